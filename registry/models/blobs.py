"""Blobs: bytes known by digest, and the objects of the store that they lie in."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from registry.models.fields import Md5Field, Sha256Field
from registry.models.teams import Entity


class StoredObject(models.Model):
    """One object of the blob storage: a pack of many blobs, or a large blob by itself."""

    class State(models.TextChoices):
        LIVE = "live", "Live"
        DOOMED = "doomed", "To be deleted"

    name = models.CharField(max_length=128, unique=True)
    size = models.PositiveBigIntegerField()
    state = models.CharField(max_length=6, choices=State, default=State.LIVE)
    created_at = models.DateTimeField(default=timezone.now)
    doomed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="stored_object_name_not_empty"),
            models.CheckConstraint(condition=Q(size__gte=0), name="stored_object_size_not_negative"),
            models.CheckConstraint(
                condition=Q(state__in=["live", "doomed"]), name="stored_object_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="live", doomed_at=None) | Q(state="doomed", doomed_at__isnull=False),
                name="stored_object_doomed_has_date",
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="stored_object_by_state")]

    def __str__(self) -> str:
        return self.name


class BlobFacts(NamedTuple):
    """What is asked of a blob most often, without the model object around it."""

    sha256: bytes
    md5: bytes
    size: int
    damaged: bool


class BlobQuerySet(models.QuerySet["Blob"]):
    """Reads of blobs."""

    def sound(self) -> BlobQuerySet:
        """Not known to be damaged: a damaged blob counts as missing, so that an upload heals it."""
        return self.filter(damaged_at=None)

    def facts(self, scope: Entity, sha256s: Collection[bytes]) -> Iterator[BlobFacts]:
        """Look up thousands of digests. Plain SQL: building model objects costs five times as much."""
        table = connection.ops.quote_name(self.model._meta.db_table)
        select = f"SELECT sha256, md5, size, damaged_at FROM {table} WHERE scope_id = %s AND sha256 IN "  # noqa: S608  # the table's name only
        digests = list(sha256s)
        with connection.cursor() as cursor:
            # SQLite takes a bounded number of parameters in one statement.
            for first in range(0, len(digests), 900):
                some = digests[first : first + 900]
                marks = ",".join(["%s"] * len(some))
                cursor.execute(f"{select}({marks})", [scope.pk, *some])
                for sha256, md5, size, damaged_at in cursor.fetchall():
                    yield BlobFacts(bytes(sha256), bytes(md5), size, damaged_at is not None)


class Blob(models.Model):
    """Bytes that an entity owns, by digest; the row exists only once they are durable and verified."""

    # No index of its own: those below begin with the scope, and bundles insert thousands of rows.
    scope = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+", db_index=False)
    sha256 = Sha256Field()
    md5 = Md5Field()
    size = models.PositiveBigIntegerField()
    object = models.ForeignKey(StoredObject, on_delete=models.PROTECT, related_name="blobs")
    offset = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    damaged_at = models.DateTimeField(null=True, blank=True)

    objects = BlobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "sha256"], name="blob_once_per_scope"),
            models.CheckConstraint(condition=Exact(Length("sha256"), 32), name="blob_sha256_whole"),
            models.CheckConstraint(condition=Exact(Length("md5"), 16), name="blob_md5_whole"),
            models.CheckConstraint(condition=Q(size__gte=0), name="blob_size_not_negative"),
            models.CheckConstraint(condition=Q(offset__gte=0), name="blob_offset_not_negative"),
            # Where a blob ends must still be a number that file systems know.
            models.CheckConstraint(
                condition=Q(offset__lte=2**62) & Q(size__lte=2**62), name="blob_place_within_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["scope", "md5"], name="blob_by_md5"),
            # "Could this large file be known?" is asked by its size, before anybody hashes it.
            models.Index(fields=["scope", "size"], name="blob_by_size"),
            models.Index(fields=["scope"], condition=Q(damaged_at__isnull=False), name="blob_damaged"),
        ]

    def __str__(self) -> str:
        return self.sha256.hex()

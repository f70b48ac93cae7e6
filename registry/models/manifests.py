"""Manifests and the chunks they share."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from registry.models.blobs import StoredObject
from registry.models.fields import Sha256Field, is_hex
from registry.models.teams import Entity


class Chunk(models.Model):
    """One node of a manifest tree, stored once per entity under the digest of its content."""

    scope = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+")
    sha256 = Sha256Field()
    kind = models.CharField(max_length=1, choices=[("e", "Entries"), ("f", "Folders")])
    level = models.PositiveSmallIntegerField(default=0)
    entry_count = models.PositiveBigIntegerField()
    # A node lies in a pack; the few small nodes of a small manifest lie in their rows, and cost no file.
    object = models.ForeignKey(StoredObject, null=True, on_delete=models.PROTECT, related_name="chunks")
    offset = models.PositiveBigIntegerField(default=0)
    data = models.BinaryField(null=True)
    length = models.PositiveBigIntegerField()
    # 16 bytes an entry, zeros for references; null until every blob of a leaf is present.
    md5s = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    # When a staging last relied on it: collection spares what no manifest holds yet but one is about to.
    used_at = models.DateTimeField(default=timezone.now)
    damaged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "sha256"], name="chunk_once_per_scope"),
            models.CheckConstraint(condition=Q(kind__in=["e", "f"]), name="chunk_kind_known"),
            models.CheckConstraint(condition=Exact(Length("sha256"), 32), name="chunk_sha256_whole"),
            models.CheckConstraint(
                condition=Q(object__isnull=False, data=None) | Q(object=None, data__isnull=False),
                name="chunk_in_one_place",
            ),
        ]
        # Whether anything is damaged is asked for pages of admins.
        indexes = [
            models.Index(fields=["damaged_at"], condition=Q(damaged_at__isnull=False), name="chunk_damaged"),
        ]

    def __str__(self) -> str:
        return self.sha256.hex()


class Manifest(models.Model):
    """The list of entries of versions with the same content."""

    scope = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+")
    root = Sha256Field()
    folders_root = Sha256Field()
    entry_count = models.PositiveBigIntegerField()
    total_size = models.PositiveBigIntegerField()
    # How many of the entries are references; null where that was not counted yet.
    reference_count = models.PositiveBigIntegerField(null=True, blank=True)
    # The `wandb` manifest digest; empty until every blob is present.
    digest = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # When it was last staged: collection spares what no version holds yet but one is about to.
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "root"], name="manifest_once_per_scope"),
            models.CheckConstraint(
                condition=Exact(Length("root"), 32) & Exact(Length("folders_root"), 32),
                name="manifest_roots_whole",
            ),
            models.CheckConstraint(
                condition=Q(digest="") | is_hex("digest", 32), name="manifest_digest_whole"
            ),
            models.CheckConstraint(
                condition=Q(reference_count=None) | Q(reference_count__lte=models.F("entry_count")),
                name="manifest_references_of_entries",
            ),
        ]
        # What is left to count is empty, but for a while after an installation learned to.
        indexes = [
            models.Index(fields=["id"], condition=Q(reference_count=None), name="manifest_uncounted"),
        ]

    def __str__(self) -> str:
        return self.root.hex()

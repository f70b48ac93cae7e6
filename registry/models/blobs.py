"""Where bytes lie: objects of the store, and the blobs inside them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.fields import Md5Field, Sha256Field
from registry.models.teams import Entity


class StoredObject(models.Model):
    """One object of `STORAGES["blobs"]`: a pack of many pieces, or one large blob."""

    class State(models.TextChoices):
        LIVE = "live", "Live"
        DOOMED = "doomed", "Doomed"

    name = models.CharField(max_length=128, unique=True)
    size = models.PositiveBigIntegerField()
    state = models.CharField(max_length=6, choices=State, default=State.LIVE)
    created_at = models.DateTimeField(default=timezone.now)
    doomed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="stored_object_name_not_empty"),
            models.CheckConstraint(condition=Q(state__in=["live", "doomed"]), name="stored_object_state_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Blob(models.Model):
    """The bytes of entries of one entity: a row exists only once they are durable and verified."""

    scope = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+")
    sha256 = Sha256Field()
    md5 = Md5Field()
    size = models.PositiveBigIntegerField()
    object = models.ForeignKey(StoredObject, on_delete=models.PROTECT, related_name="blobs")
    offset = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    damaged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "sha256"], name="blob_once_per_scope"),
            models.CheckConstraint(condition=Q(size__gte=0), name="blob_size_not_negative"),
        ]
        indexes = [
            models.Index(fields=["scope", "md5"], name="blob_by_md5"),
            models.Index(fields=["scope"], condition=Q(damaged_at__isnull=False), name="blob_damaged"),
        ]

    def __str__(self) -> str:
        return self.sha256.hex()

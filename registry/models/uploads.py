"""Uploads of large blobs: parts that arrive in any order and can be continued."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from registry.models.fields import Sha256Field
from registry.models.teams import Entity

# By way of the server; the store itself takes many more.
MAX_PARTS = 32
MAX_DIRECT_PARTS = 10_000


class Upload(models.Model):
    """One large blob on its way; what arrived is what the files of its parts say."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        COMPLETE = "complete", "Complete"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A plain number: the store knows nothing of versions, which sit above it.
    draft_id = models.BigIntegerField(db_index=True)
    scope = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+")
    sha256 = Sha256Field(null=True, blank=True)
    size = models.PositiveBigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    # Of one that its client sends to the object store itself: the object, and what the store calls its parts.
    object_name = models.CharField(max_length=100, blank=True)
    parts_id = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # Beginning the same upload twice continues the first.
            models.UniqueConstraint(
                fields=["draft_id", "sha256", "size"],
                condition=Q(state="open", sha256__isnull=False),
                name="upload_open_once_per_digest",
            ),
            models.CheckConstraint(condition=Exact(Length("sha256"), 32), name="upload_sha256_whole"),
            models.CheckConstraint(
                condition=Q(size__gte=0) & Q(size__lte=2**62), name="upload_size_within_reason"
            ),
            models.CheckConstraint(condition=Q(state__in=["open", "complete"]), name="upload_state_known"),
            models.CheckConstraint(
                condition=Q(object_name="", parts_id="") | ~Q(object_name="") & ~Q(parts_id=""),
                name="upload_direct_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state="complete") | Q(sha256__isnull=False), name="upload_complete_has_digest"
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="upload_by_state")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_direct(self) -> bool:
        """Whether its client sends the parts to the object store, and not to the server."""
        return bool(self.parts_id)


class UploadPart(models.Model):
    """A stretch of an upload, sent over a connection of its own."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()
    offset = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["upload", "number"], name="upload_part_once"),
            models.UniqueConstraint(fields=["upload", "offset"], name="upload_part_offset_once"),
            models.CheckConstraint(
                condition=Q(number__gte=1) & Q(number__lte=MAX_DIRECT_PARTS),
                name="upload_part_number_within_reason",
            ),
            models.CheckConstraint(
                condition=Q(offset__gte=0) & Q(offset__lte=2**62) & Q(size__gte=0) & Q(size__lte=2**62),
                name="upload_part_place_within_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.upload_id}"

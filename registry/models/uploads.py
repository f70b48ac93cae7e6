"""Large blobs on their way in: resumable parts."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.fields import Sha256Field
from registry.models.teams import Entity


class Upload(models.Model):
    """One large blob being sent to a draft."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        COMPLETE = "complete", "Complete"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    draft_id = models.BigIntegerField(db_index=True)
    scope = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="+")
    sha256 = Sha256Field(null=True)
    size = models.PositiveBigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["open", "complete"]), name="upload_state_known"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class UploadPart(models.Model):
    """A range of an upload; what arrived of it is the size of its file."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveSmallIntegerField()
    offset = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="upload_part_once")]

    def __str__(self) -> str:
        return f"{self.upload_id}/{self.number}"

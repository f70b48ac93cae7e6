"""Events: who did what, when, from where, before and after. Append-only."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Event(models.Model):
    """One act. Subjects are plain ids, so that an event outlives what it tells of."""

    at = models.DateTimeField(default=timezone.now)
    act = models.CharField(max_length=64)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=128)
    door = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True)
    key_prefix = models.CharField(max_length=16, blank=True)
    entity_id = models.BigIntegerField(null=True)
    project_id = models.BigIntegerField(null=True)
    collection_id = models.BigIntegerField(null=True)
    version_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=512, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-id"], name="event_by_project"),
            models.Index(fields=["collection_id", "-id"], name="event_by_collection"),
            models.Index(fields=["version_id", "-id"], name="event_by_version"),
            models.Index(fields=["entity_id", "-id"], name="event_by_entity"),
        ]

    def __str__(self) -> str:
        return f"{self.act} by {self.actor_name}"

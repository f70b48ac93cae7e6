"""What was counted of stored bytes: by entity and day, by project and collection, by version."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from registry.models.collections import Collection
from registry.models.projects import Project
from registry.models.teams import Entity
from registry.models.versions import Version


class StorageCount(models.Model):
    """All bytes of an entity as they were last counted on a day; the parts add up to what is stored."""

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    counted_at = models.DateTimeField(default=timezone.now)
    versions = models.PositiveBigIntegerField()
    # What the versions have together, each for itself.
    named = models.PositiveBigIntegerField()
    stored = models.PositiveBigIntegerField()
    blobs = models.PositiveBigIntegerField()
    # The same of the trash; null in counts of before this was kept.
    trash = models.PositiveBigIntegerField(null=True)
    # The parts: each blob counts in one of them.
    by_one = models.PositiveBigIntegerField()
    shared = models.PositiveBigIntegerField()
    trashed = models.PositiveBigIntegerField()
    drafted = models.PositiveBigIntegerField()
    unused = models.PositiveBigIntegerField()
    unused_blobs = models.PositiveBigIntegerField()
    # Up to which blob and event it was counted: what came later is told by these.
    newest_blob = models.PositiveBigIntegerField(default=0)
    newest_event = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity", "day"], name="storage_count_once_a_day"),
            models.CheckConstraint(
                condition=Q(stored=F("by_one") + F("shared") + F("trashed") + F("drafted") + F("unused")),
                name="storage_count_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_id} on {self.day}"


class StorageShare(models.Model):
    """What the live versions of a project, or of one of its collections, reach: all of it, and what they alone do."""

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="storage_shares", db_index=False
    )
    # Null: the project as a whole.
    collection = models.ForeignKey(
        Collection, null=True, on_delete=models.CASCADE, related_name="storage_shares", db_index=False
    )
    versions = models.PositiveBigIntegerField()
    named = models.PositiveBigIntegerField()
    stored = models.PositiveBigIntegerField()
    alone = models.PositiveBigIntegerField()
    # What its versions in the trash have, each for itself; null in counts of before this was kept.
    trash = models.PositiveBigIntegerField(null=True)
    idle_since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project"], condition=Q(collection=None), name="storage_share_once_per_project"
            ),
            models.UniqueConstraint(fields=["collection"], name="storage_share_once_per_collection"),
            models.CheckConstraint(
                condition=Q(alone__lte=F("stored")), name="storage_share_alone_within_stored"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collection_id or self.project_id}"

    @property
    def shared(self) -> int:
        """What others reach as well."""
        return self.stored - self.alone


class VersionShare(models.Model):
    """What a version, live or in the trash, alone reaches; and when it was last used."""

    version = models.OneToOneField(Version, primary_key=True, on_delete=models.CASCADE, related_name="share")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+", db_index=False)
    live = models.BooleanField()
    alone = models.PositiveBigIntegerField()
    used = models.BooleanField(default=False)
    # Since its last download or use by a run; since it was logged, when there was none.
    idle_since = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["entity", "live", "-alone", "-version"], name="version_share_by_size"),
            models.Index(fields=["entity", "live", "idle_since", "version"], name="version_share_by_use"),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}"

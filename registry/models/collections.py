"""Collections: sequences, where versions are logged, and portfolios, which hold links."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.addresses import address
from registry.models.prepared import Prepared
from registry.models.projects import Project

if TYPE_CHECKING:
    from registry.models.accounts import User


class ArtifactType(models.Model):
    """`dataset`, `model`, …: what the collections of a project are sorted into."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="types")
    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="artifact_type_once_per_project"),
            models.CheckConstraint(condition=~Q(name=""), name="artifact_type_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{self.project.get_absolute_url()}?{urlencode({'type': self.name})}"


class CollectionQuerySet(models.QuerySet["Collection"]):
    """Reads of collections."""

    def live(self) -> CollectionQuerySet:
        """Not deleted, and not merely begun by a draft that was never committed."""
        return self.filter(deleted_at=None, established=True)

    def named(self, project: Project, name: str) -> Collection | None:
        """Return the live collection of this name, with its type and with the project at hand."""
        found = _NAMED.first(project.pk, name)
        if found is not None:
            # With its entity: no second read for names and addresses.
            found.project = project
        return found

    def visible_to(self, user: User | None) -> CollectionQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user).values("pk"))

    def for_listing(self) -> CollectionQuerySet:
        return self.select_related("type", "project__entity").prefetch_related("tags")


class Collection(models.Model):
    """An ordered group of versions; the third part of `entity/project/collection:alias`."""

    class Kind(models.TextChoices):
        SEQUENCE = "sequence", "Sequence"
        PORTFOLIO = "portfolio", "Portfolio"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="collections")
    type = models.ForeignKey(ArtifactType, on_delete=models.PROTECT, related_name="collections")
    kind = models.CharField(max_length=9, choices=Kind, default=Kind.SEQUENCE)
    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    # The next v{N}. It only grows, so a number is never given twice, also after deletion.
    next_number = models.PositiveBigIntegerField(default=0)
    # Kept totals, so that no page counts rows.
    version_count = models.PositiveBigIntegerField(default=0)
    established = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)
    # Until when it can be restored.
    purge_at = models.DateTimeField(null=True, blank=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=Q(deleted_at=None),
                name="collection_name_once_per_project",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="collection_name_not_empty"),
            models.CheckConstraint(
                condition=Q(kind__in=["sequence", "portfolio"]), name="collection_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(version_count__lte=models.F("next_number")),
                name="collection_count_within_numbers",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "type", "name"], name="collection_by_type"),
            # Counts of a type read this index alone.
            models.Index(
                fields=["type"],
                condition=Q(deleted_at=None, established=True),
                name="collection_live_by_type",
            ),
            models.Index(fields=["project", "-updated_at", "-id"], name="collection_by_change"),
            models.Index(fields=["project", "-created_at", "-id"], name="collection_by_creation"),
            # The list across projects.
            models.Index(
                fields=["-updated_at", "-id"],
                condition=Q(deleted_at=None, established=True),
                name="collection_live_by_change",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}/{self.name}"

    def get_absolute_url(self) -> str:
        return address("collections:detail", self.project.entity.name, self.project.name, self.name)

    def held_tags(self) -> list[str]:
        """Return the names of its tags, sorted."""
        return [tag.name for tag in self.tags.all()]


_NAMED = Prepared[Collection](
    lambda project, name: Collection.objects.live().filter(project=project, name=name).select_related("type")
)

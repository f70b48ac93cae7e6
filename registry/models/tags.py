"""Tags on versions and on collections."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from registry.models.collections import Collection
from registry.models.versions import Version


class VersionTag(models.Model):
    """A tag of a version; links show the source's."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="tags")
    # The version's own, which never changes: so a tag is found within one collection by an index.
    sequence = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=128)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], name="version_tag_once"),
            models.CheckConstraint(condition=~Q(name=""), name="version_tag_not_empty"),
        ]
        indexes = [
            models.Index(fields=["name", "version"], name="version_tag_by_name"),
            models.Index(fields=["sequence", "name", "version"], name="version_tag_in_sequence"),
        ]

    def __str__(self) -> str:
        return self.name


class CollectionTag(models.Model):
    """A tag of a collection."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=128)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["collection", "name"], name="collection_tag_once"),
            models.CheckConstraint(condition=~Q(name=""), name="collection_tag_not_empty"),
        ]
        indexes = [models.Index(fields=["name", "collection"], name="collection_tag_by_name")]

    def __str__(self) -> str:
        return self.name

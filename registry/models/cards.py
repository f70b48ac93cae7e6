"""Cards over time, and what a registry asks of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.collections import Collection
from registry.models.projects import Project
from registry.models.versions import Version


class CardRevision(models.Model):
    """A card as somebody left it. A card that was never edited has none: it is its own only text."""

    # One of the two.
    version = models.ForeignKey(
        Version, null=True, on_delete=models.CASCADE, related_name="card_revisions", db_index=False
    )
    collection = models.ForeignKey(
        Collection, null=True, on_delete=models.CASCADE, related_name="card_revisions", db_index=False
    )
    text = models.TextField(blank=True)
    # Null: it was written before revisions were kept, at some time between its making and the next one.
    written_at = models.DateTimeField(null=True, default=timezone.now)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(version__isnull=False, collection=None)
                | Q(version=None, collection__isnull=False),
                name="card_revision_of_one_card",
            ),
        ]
        indexes = [
            models.Index(
                fields=["version", "-id"], condition=Q(version__isnull=False), name="card_revision_of_version"
            ),
            models.Index(
                fields=["collection", "-id"],
                condition=Q(collection__isnull=False),
                name="card_revision_of_collection",
            ),
        ]

    def __str__(self) -> str:
        return f"card of {self.version or self.collection}"


class CardTemplate(models.Model):
    """What cards in a registry begin with, and the sections that each must have."""

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, primary_key=True, related_name="card_template"
    )
    text = models.TextField(blank=True)
    # Headings, as people write them.
    required = models.JSONField(default=list, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"card template of {self.project}"

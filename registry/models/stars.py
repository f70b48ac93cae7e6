"""What a person keeps at hand on their home page."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.collections import Collection
from registry.models.projects import Project


class Star(models.Model):
    """A project or a collection that a person starred."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stars")
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    collection = models.ForeignKey(
        Collection, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "project"], name="star_once_per_project"),
            models.UniqueConstraint(fields=["user", "collection"], name="star_once_per_collection"),
            models.CheckConstraint(
                condition=Q(project__isnull=True, collection__isnull=False)
                | Q(project__isnull=False, collection__isnull=True),
                name="star_on_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"star of {self.user}"

"""TTL policies of teams (or people), projects and collections."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.collections import Collection
from registry.models.projects import Project
from registry.models.teams import Entity


class TtlPolicy(models.Model):
    """What `inherit` means below one entity, project or collection: the nearest policy counts.

    `seconds` null means never: it ends the search, so a collection can be kept in a team that expires.
    """

    entity = models.OneToOneField(Entity, null=True, on_delete=models.CASCADE, related_name="ttl_policy")
    project = models.OneToOneField(Project, null=True, on_delete=models.CASCADE, related_name="ttl_policy")
    collection = models.OneToOneField(
        Collection, null=True, on_delete=models.CASCADE, related_name="ttl_policy"
    )
    seconds = models.PositiveBigIntegerField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(entity__isnull=False, project=None, collection=None)
                | Q(entity=None, project__isnull=False, collection=None)
                | Q(entity=None, project=None, collection__isnull=False),
                name="ttl_policy_of_exactly_one",
            ),
            models.CheckConstraint(condition=Q(seconds=None) | Q(seconds__gt=0), name="ttl_policy_positive"),
        ]

    def __str__(self) -> str:
        return "never" if self.seconds is None else f"{self.seconds} s"

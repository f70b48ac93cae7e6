"""Aliases: mutable names of versions, one holder per collection."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.collections import Collection
from registry.models.versions import Membership


class Alias(models.Model):
    """A name that one version of a collection holds; setting it elsewhere moves it."""

    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="aliases")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=128)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["collection", "name"], name="alias_one_holder_per_collection"),
            models.CheckConstraint(condition=~Q(name=""), name="alias_not_empty"),
            models.CheckConstraint(
                condition=~Q(name__regex=r"^v[0-9]+$"), name="alias_is_not_a_version_number"
            ),
        ]

    def __str__(self) -> str:
        return self.name

"""Aliases: mutable names of versions, one holder per collection; and those that a registry protects."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.collections import Collection
from registry.models.fields import is_numbered
from registry.models.projects import Project
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
            models.CheckConstraint(condition=~is_numbered("name", "v"), name="alias_is_not_a_version_number"),
        ]
        # Who holds a name anywhere, last logged first.
        indexes = [models.Index(fields=["name", "membership"], name="alias_by_name")]

    def __str__(self) -> str:
        return self.name


class ProtectedAlias(models.Model):
    """An alias, or a pattern such as `prod*`, whose holder in a registry is neither deleted nor expired."""

    # A project of kind registry; in any other it protects nothing.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="protected_aliases")
    pattern = models.CharField(max_length=128)
    # Compared in this form (NFKC, casefolded), which may be longer.
    folded = models.CharField(max_length=512)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pattern"]
        constraints = [
            models.UniqueConstraint(fields=["project", "folded"], name="protected_alias_once_per_registry"),
            models.CheckConstraint(
                condition=~Q(pattern="") & ~Q(folded=""), name="protected_alias_not_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.pattern

"""Aliases: mutable names of versions, one holder per collection; and those that a registry protects."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.collections import Collection
from registry.models.fields import is_numbered
from registry.models.projects import Project
from registry.models.teams import Role, Team
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
    """An alias, or a pattern such as `prod*`, that moves in a registry by review alone; and the rule of the review.

    Whoever holds it is neither deleted nor expired.
    """

    # Who may approve: those with at least this role in the registry, the members of a team, and people by name.
    # Together: one of the three is enough.
    class Approvers(models.TextChoices):
        NOBODY = "", "Nobody by role"
        VIEWERS = "viewer", "Viewers, members and admins"
        MEMBERS = "member", "Members and admins"
        ADMINS = "admin", "Admins"

    MOST_APPROVALS = 20

    # A project of kind registry; in any other it protects nothing.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="protected_aliases")
    pattern = models.CharField(max_length=128)
    # Compared in this form (NFKC, casefolded), which may be longer.
    folded = models.CharField(max_length=512)
    approvals = models.PositiveSmallIntegerField(default=1)
    approver_role = models.CharField(max_length=6, choices=Approvers, default=Approvers.MEMBERS, blank=True)
    approver_team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    approvers = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    author_may_approve = models.BooleanField(default=False)
    # An approval is of what was seen: another card, metadata or result of a check takes it away. Another
    # candidate always does.
    approvals_fall = models.BooleanField(default=False)
    # Who may promote once all is met.
    promoter_role = models.CharField(max_length=6, choices=Role, default=Role.ADMIN)
    # Names of checks that must be green, and what they are told: `{"name": {…}}`.
    required_checks = models.JSONField(default=list, blank=True)
    check_settings: models.JSONField[dict[str, Any]] = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pattern"]
        constraints = [
            models.UniqueConstraint(fields=["project", "folded"], name="protected_alias_once_per_registry"),
            models.CheckConstraint(
                condition=~Q(pattern="") & ~Q(folded=""), name="protected_alias_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(approvals__lte=20), name="protected_alias_approvals_in_bounds"
            ),
            models.CheckConstraint(
                condition=Q(approver_role__in=["", "viewer", "member", "admin"]),
                name="protected_alias_approver_role_known",
            ),
            models.CheckConstraint(
                condition=Q(promoter_role__in=["member", "admin"]), name="protected_alias_promoter_role_known"
            ),
        ]

    def __str__(self) -> str:
        return self.pattern

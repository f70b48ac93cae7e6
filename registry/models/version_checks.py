"""Checks of versions in a registry: what each found, and whose the names are that scripts post under."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.accounts import ApiKey
from registry.models.fields import is_hex
from registry.models.projects import Project
from registry.models.promotions import Promotion
from registry.models.versions import Membership


class CheckName(models.Model):
    """A name that somebody posts results under: in a registry it is one person's, and while it lives one key's."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="check_names")
    name = models.CharField(max_length=128)
    # Compared in this form (NFKC, casefolded), which may be longer.
    folded = models.CharField(max_length=512)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Null when it was first posted from the browser.
    key = models.ForeignKey(ApiKey, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "folded"], name="check_name_once_per_registry"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(folded=""), name="check_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class VersionCheckQuerySet(models.QuerySet["VersionCheck"]):
    """Reads of checks."""

    def of_version(self, membership_id: int) -> VersionCheckQuerySet:
        """Those that hold for the version wherever it goes in its registry, whoever holds what."""
        return self.filter(membership=membership_id, promotion=None)

    def waiting(self) -> VersionCheckQuerySet:
        """Those that the server is to make."""
        return self.filter(built_in=True, state=VersionCheck.State.PENDING)

    def unheld(self, before: datetime) -> VersionCheckQuerySet:
        """Those that no worker has in hand: one that gave no sign of life since `before` was killed."""
        return self.filter(Q(held_at=None) | Q(held_at__lt=before))


class VersionCheck(models.Model):
    """What one check says of a version in a registry: made by a worker, or posted by a script under a name of its own.

    What depends on the rule of an alias or on who holds it is kept for the promotion; all else for the version's place.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Running"
        SUCCESS = "success", "Passed"
        FAILURE = "failure", "Failed"
        ERROR = "error", "Could not be made"

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="checks")
    promotion = models.ForeignKey(
        Promotion, null=True, blank=True, on_delete=models.CASCADE, related_name="checks"
    )
    name = models.CharField(max_length=128)
    folded = models.CharField(max_length=512)
    built_in = models.BooleanField(default=False)
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    # One sentence, what it is about (places, names, formats), and where there is more.
    finding = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)
    link = models.TextField(blank=True)
    posted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The SHA-256 of all that a built-in check looks at besides the bytes: when it is another one, the result is old.
    evidence = models.CharField(max_length=64, blank=True)
    # Where a worker goes on that takes it up again.
    position = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    holder = models.CharField(max_length=32, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = VersionCheckQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["membership", "folded"],
                condition=Q(promotion=None),
                name="version_check_once_per_name",
            ),
            models.UniqueConstraint(
                fields=["promotion", "folded"],
                condition=Q(promotion__isnull=False),
                name="promotion_check_once_per_name",
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(folded=""), name="version_check_has_name"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "success", "failure", "error"]),
                name="version_check_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", finished_at=None)
                | ~Q(state="pending") & Q(finished_at__isnull=False),
                name="version_check_ended_has_date",
            ),
            models.CheckConstraint(
                condition=Q(holder="", held_at=None)
                | ~Q(holder="") & Q(held_at__isnull=False, built_in=True, state="pending"),
                name="version_check_held_while_made",
            ),
            models.CheckConstraint(
                condition=Q(promotion=None) | Q(built_in=True), name="version_check_posted_of_version"
            ),
            models.CheckConstraint(
                condition=Q(built_in=False, evidence="") | Q(built_in=True) & is_hex("evidence", 64),
                name="version_check_evidence_whole",
            ),
        ]
        indexes = [
            # What workers are to take up: few among all.
            models.Index(
                fields=["created_at"],
                condition=Q(state="pending", built_in=True),
                name="version_check_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"

"""References that the server is to resolve for a draft, and the edges that references make between versions."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from registry.models.fields import Sha256Field

# Entries of one batch: what a kill may lose, and about how often progress shows.
BATCH = 1000


class ResolutionQuerySet(models.QuerySet["Resolution"]):
    """Reads of what the workers have to do."""

    def unheld(self, before: datetime) -> ResolutionQuerySet:
        """Those that no worker holds, or that one held last before a moment: it was killed."""
        return self.filter(Q(holder="") | Q(held_at__lt=before))

    def waiting(self, at: datetime | None = None) -> ResolutionQuerySet:
        """Those that have something to do: a reference (that is due at a moment), or a commit that was asked for.

        Where neither references are left nor files were sent, there is nothing to commit; what a version made anew
        has in it, its worker finds out.
        """
        todo = [ReferenceOrder.State.WAITING, ReferenceOrder.State.RESOLVING]
        orders = ReferenceOrder.objects.filter(draft=OuterRef("draft"))
        due = orders.filter(state__in=todo)
        if at is not None:
            due = due.filter(Q(try_at=None) | Q(try_at__lte=at))
        unresolved = orders.exclude(state=ReferenceOrder.State.RESOLVED)
        complete = Q(asked_at__isnull=False, code="") & ~Q(Exists(unresolved))
        content = Q(Exists(orders)) | Q(draft__manifest__isnull=False) | Q(renews__isnull=False)
        return self.filter(Q(Exists(due)) | complete & content)


class Resolution(models.Model):
    """A draft whose references the server resolves: who asked, what its commit is to do, which worker has it."""

    draft = models.OneToOneField(
        "registry.Version", primary_key=True, on_delete=models.CASCADE, related_name="resolution"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    key = models.ForeignKey("registry.ApiKey", null=True, on_delete=models.SET_NULL, related_name="+")
    door = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True)
    # When the commit was asked for, to happen once all is resolved; with these aliases and tags.
    asked_at = models.DateTimeField(null=True, blank=True)
    aliases = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    # The version that the draft is made from by what a look at its references found, which look that was, and how
    # many of its entries were read by now.
    renews = models.ForeignKey(
        "registry.Version", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    mark = models.CharField(max_length=64, blank=True)
    done_count = models.PositiveBigIntegerField(default=0)
    # Why that commit failed.
    code = models.CharField(max_length=64, blank=True)
    why = models.TextField(blank=True)
    # How often that commit was begun: one that never comes to an end is given up.
    attempts = models.PositiveIntegerField(default=0)
    # The worker that is at it, and its last sign of life.
    holder = models.CharField(max_length=32, blank=True)
    held_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ResolutionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(holder="", held_at=None) | ~Q(holder="") & Q(held_at__isnull=False),
                name="resolution_held_since",
            ),
            models.CheckConstraint(
                condition=Q(code="", why="") | ~Q(code="") & ~Q(why="") & Q(asked_at__isnull=False),
                name="resolution_failure_whole",
            ),
            models.CheckConstraint(
                condition=Q(renews=None, mark="", done_count=0)
                | Q(renews__isnull=False, asked_at__isnull=False) & ~Q(mark=""),
                name="resolution_renewal_whole",
            ),
        ]
        indexes = [models.Index(fields=["held_at"], name="resolution_by_sign")]

    def __str__(self) -> str:
        return f"references of draft {self.draft_id}"


class ReferenceOrder(models.Model):
    """One reference of a draft: what it names, how far the server is with it, or why it failed."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RESOLVING = "resolving", "Resolving"
        RESOLVED = "resolved", "Resolved"
        FAILED = "failed", "Failed"

    draft = models.ForeignKey("registry.Version", on_delete=models.CASCADE, related_name="reference_orders")
    uri = models.TextField()
    # Where it stands in the artifact; empty: as the scheme names it.
    name = models.TextField(blank=True)
    # The SHA-256 of URI and name, as an index takes no long texts.
    key = Sha256Field()
    checksum = models.BooleanField(default=True)
    max_objects = models.PositiveBigIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    code = models.CharField(max_length=64, blank=True)
    why = models.TextField(blank=True)
    found_count = models.PositiveBigIntegerField(default=0)
    found_bytes = models.PositiveBigIntegerField(default=0)
    batch_count = models.PositiveBigIntegerField(default=0)
    # The path of the last object that is in a batch: a later try goes on behind it.
    cursor = models.TextField(blank=True)
    # Whether what was found came in path order: then nothing is sorted for the commit.
    in_order = models.BooleanField(default=True)
    # How often it was begun without getting any farther, and when the next try is due.
    attempts = models.PositiveIntegerField(default=0)
    try_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["draft", "key"], name="reference_once_per_draft"),
            models.CheckConstraint(condition=~Q(uri=""), name="reference_uri_not_empty"),
            models.CheckConstraint(condition=Exact(Length("key"), 32), name="reference_key_whole"),
            models.CheckConstraint(condition=Q(max_objects__gte=1), name="reference_takes_one_at_least"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "resolving", "resolved", "failed"]),
                name="reference_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="failed") & ~Q(code="") & ~Q(why="")
                | Q(state="resolved", code="", why="")
                | Q(state__in=["waiting", "resolving"]),
                name="reference_failure_whole",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["resolved", "failed"], finished_at__isnull=False)
                | Q(state__in=["waiting", "resolving"], finished_at=None),
                name="reference_finished_has_date",
            ),
            models.CheckConstraint(
                condition=~Q(state="resolved") | Q(found_count__gte=1), name="reference_resolved_is_something"
            ),
        ]
        indexes = [
            models.Index(
                fields=["draft"], condition=Q(state__in=["waiting", "resolving"]), name="reference_to_do"
            )
        ]

    def __str__(self) -> str:
        return self.uri

    @property
    def is_open(self) -> bool:
        """Say whether a worker has something to do with it."""
        return self.state in (self.State.WAITING, self.State.RESOLVING)


class ReferenceBatch(models.Model):
    """Up to `BATCH` entries that a reference was resolved to: JSON, deflated."""

    order = models.ForeignKey(ReferenceOrder, on_delete=models.CASCADE, related_name="batches")
    number = models.PositiveBigIntegerField()
    entry_count = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="reference_batch_once"),
            models.CheckConstraint(
                condition=Q(entry_count__gte=1) & Q(entry_count__lte=BATCH), name="reference_batch_in_bounds"
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.number} of {self.order_id}"


class VersionReference(models.Model):
    """A version has references to entries of another version."""

    source = models.ForeignKey("registry.Version", on_delete=models.CASCADE, related_name="refers_to")
    target = models.ForeignKey("registry.Version", on_delete=models.CASCADE, related_name="referred_to_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target"], name="version_reference_once"),
            models.CheckConstraint(
                condition=~Q(source=models.F("target")), name="version_reference_to_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} refers to {self.target_id}"

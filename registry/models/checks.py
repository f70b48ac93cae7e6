"""Runs of `fsck`: how far each came, and what it found wrong, kept until a later run finds it right."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.teams import Entity

KEPT_RUNS = 50


class FsckRunQuerySet(models.QuerySet["FsckRun"]):
    """Reads of runs."""

    def unfinished(self) -> FsckRun | None:
        """Return the newest run of the command that somebody can go on with."""
        states = [FsckRun.State.RUNNING, FsckRun.State.INTERRUPTED]
        return self.filter(by=FsckRun.By.COMMAND, state__in=states).order_by("-pk").first()


class FsckRun(models.Model):
    """One check of the store: what was asked of it, how far it came, what it counted."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        INTERRUPTED = "interrupted", "Interrupted"
        DONE = "done", "Done"

    class By(models.TextChoices):
        COMMAND = "command", "Command"
        CLOCK = "clock", "Every day"

    by = models.CharField(max_length=7, choices=By, default=By.COMMAND)
    state = models.CharField(max_length=11, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(default=timezone.now)
    # When it last noted its place: a run that was killed says nothing any more.
    seen_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    options = models.JSONField(default=dict, blank=True)
    # Which part of how many it looks at; 1 of 1 is all.
    part = models.PositiveIntegerField(default=1)
    parts = models.PositiveIntegerField(default=1)
    reads_data = models.BooleanField(default=False)
    position = models.JSONField(default=dict, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    # How much was wrong, and how much of it still is at the end.
    found = models.PositiveBigIntegerField(default=0)
    left = models.PositiveBigIntegerField(default=0)
    # Something is left, no later run that covers this one was clean, and no admin took note of it.
    alarming = models.BooleanField(default=False)

    objects = FsckRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(by__in=["command", "clock"]), name="fsck_run_by_known"),
            models.CheckConstraint(
                condition=Q(state__in=["running", "interrupted", "done"]), name="fsck_run_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="done", finished_at__isnull=False) | ~Q(state="done") & Q(finished_at=None),
                name="fsck_run_done_has_date",
            ),
            models.CheckConstraint(
                condition=Q(part__gte=1) & Q(part__lte=models.F("parts")), name="fsck_run_part_of_parts"
            ),
            models.CheckConstraint(condition=Q(left__lte=models.F("found")), name="fsck_run_left_of_found"),
        ]

    def __str__(self) -> str:
        return f"fsck {self.pk} {self.state} {self.started_at:%Y-%m-%d %H:%M}"


class FsckFindingQuerySet(models.QuerySet["FsckFinding"]):
    """Reads of findings."""

    def wrong(self) -> FsckFindingQuerySet:
        """Not mended; what no row knows is waste, not damage."""
        return self.exclude(kind=FsckFinding.Kind.ORPHAN).exclude(outcome=FsckFinding.Outcome.MENDED)


class FsckFinding(models.Model):
    """One thing that a run found: what, where, and which versions and paths it touches."""

    class Kind(models.TextChoices):
        MISSING = "missing", "The object is gone"
        SHORT = "short", "The object is cut short"
        DAMAGED = "damaged", "The bytes are not those of the digest"
        UNREADABLE = "unreadable", "The disk does not give the bytes"
        MD5 = "md5", "The MD5 in the row is not that of the bytes"
        UNKNOWN = "unknown", "A manifest names a content that has no row"
        SIZE = "size", "A manifest gives another size than the row of the content"
        NODE = "node", "A part of a manifest is damaged"
        NODE_LOST = "node-lost", "A part of a manifest has no row"
        NODE_ROW = "node-row", "The row of a part of a manifest says something else than the part"
        MD5S = "md5s", "The MD5s kept with a part of a manifest are not those of its contents"
        OBJECT_SIZE = "object-size", "The length of an object is not that of its row"
        VERSION = "version", "A version says something else than its manifest"
        TOTAL = "total", "A kept total is wrong"
        ORPHAN = "orphan", "An object that no row knows"

    class Outcome(models.TextChoices):
        OPEN = "open", "Open"
        PLANNED = "planned", "Can be mended"
        MENDED = "mended", "Mended"

    run = models.ForeignKey(FsckRun, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=11, choices=Kind)
    # What it is of, as text that is the same each time the same thing is found: "blob 12".
    subject = models.CharField(max_length=160)
    scope = models.ForeignKey(Entity, null=True, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=128, blank=True)
    offset = models.PositiveBigIntegerField(null=True, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    said = models.TextField(blank=True)
    # How many versions and paths, and the first of them: {"versions": 2, "paths": 3, "first": [[version, path], …]}
    touched = models.JSONField(default=dict, blank=True)
    outcome = models.CharField(max_length=7, choices=Outcome, default=Outcome.OPEN)
    mending = models.TextField(blank=True)

    objects = FsckFindingQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "subject"], name="fsck_finding_once_per_run"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "missing", "short", "damaged", "unreadable", "md5", "unknown", "size", "node", "node-lost",
                        "node-row", "md5s", "object-size", "version", "total", "orphan",
                    ]
                ),
                name="fsck_finding_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["open", "planned", "mended"]), name="fsck_finding_outcome_known"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"

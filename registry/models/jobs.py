"""What the background work did: one row a run of a task, kept for the page that shows it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q


class JobRunQuerySet(models.QuerySet["JobRun"]):
    """Reads of task runs."""

    def latest_of(self, task: str) -> JobRun | None:
        """Return the newest run of a task."""
        return self.filter(task=task).order_by("-id").first()

    def failures(self, since: datetime) -> JobRunQuerySet:
        """Return the failed runs from a moment on, newest first."""
        return self.filter(state=JobRun.State.FAILED, started_at__gte=since).order_by("-id")

    def lost(self, before: datetime) -> JobRunQuerySet:
        """Return runs that began so long ago that their worker cannot be alive any more."""
        return self.filter(state=JobRun.State.RUNNING, started_at__lt=before)


class JobRun(models.Model):
    """One run of a background task."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    task = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    counts = models.JSONField(default=dict, blank=True)

    objects = JobRunQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes = [
            models.Index(fields=["task", "-id"], name="job_run_by_task"),
            models.Index(fields=["state", "started_at"], name="job_run_by_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["running", "done", "failed"]), name="job_run_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="running", finished_at=None)
                | ~Q(state="running") & Q(finished_at__isnull=False),
                name="job_run_finished_unless_running",
            ),
            models.CheckConstraint(
                condition=Q(state="failed") | Q(error=""), name="job_run_error_only_when_failed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.state} {self.started_at:%Y-%m-%d %H:%M}"

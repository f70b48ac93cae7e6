"""Runs: what logged a version (output) or used it (input); together with versions they are the lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.addresses import address
from registry.models.projects import Project

if TYPE_CHECKING:
    from registry.models.accounts import User


class RunQuerySet(models.QuerySet["Run"]):
    """Reads of runs."""

    def visible_to(self, user: User | None) -> RunQuerySet:
        return self.filter(project__in=Project.objects.visible_to(user).values("pk"))

    def for_listing(self) -> RunQuerySet:
        return self.select_related("project__entity", "created_by")

    def without_cards(self) -> RunQuerySet:
        """Leave what may have megabytes in the database: lists show names."""
        return self.defer("config", "summary")


class Run(models.Model):
    """One execution of a script."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"
        CRASHED = "crashed", "Crashed"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="runs")
    name = models.CharField(max_length=128)
    display_name = models.CharField(max_length=256, blank=True)
    job_type = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    config = models.JSONField(default=dict, blank=True)
    summary = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="runs"
    )
    created_at = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="run_name_once_per_project"),
            models.CheckConstraint(condition=~Q(name=""), name="run_name_not_empty"),
            models.CheckConstraint(
                condition=Q(state__in=["running", "finished", "failed", "crashed"]), name="run_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="run_newest_first"),
            models.Index(fields=["project", "state", "-created_at", "-id"], name="run_by_state"),
            models.Index(fields=["project", "job_type", "-created_at", "-id"], name="run_by_job_type"),
            models.Index(fields=["project", "created_by", "-created_at", "-id"], name="run_by_maker"),
            models.Index(fields=["heartbeat_at"], condition=Q(state="running"), name="run_by_silence"),
        ]

    def __str__(self) -> str:
        return self.display_name or self.name

    def get_absolute_url(self) -> str:
        return address("runs:detail", self.project.entity.name, self.project.name, self.name)


class RunInput(models.Model):
    """A run used a version, through the membership it was found by."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="inputs")
    version = models.ForeignKey("registry.Version", on_delete=models.PROTECT, related_name="used_by")
    membership = models.ForeignKey("registry.Membership", on_delete=models.PROTECT, related_name="+")
    use_as = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "version"], name="run_input_once")]
        indexes = [models.Index(fields=["version", "-created_at"], name="run_input_by_version")]

    def __str__(self) -> str:
        return f"{self.run_id} used {self.version_id}"


class RunOutput(models.Model):
    """A run logged a version; logging the same content again is an edge as well."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="outputs")
    version = models.ForeignKey("registry.Version", on_delete=models.PROTECT, related_name="logged_by")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "version"], name="run_output_once")]

    def __str__(self) -> str:
        return f"{self.run_id} logged {self.version_id}"

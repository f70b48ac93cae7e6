"""Webhooks: addresses that are told what happens in a project or registry, and a log of what they answered."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from registry.models.addresses import address
from registry.models.projects import Project


class Webhook(models.Model):
    """Where to send what happens in a project. Its secret follows from the salts and the server's own secret."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=128)
    url = models.CharField(max_length=2048)
    # The kinds of events that it wants (`services.webhook_kinds`).
    kinds = models.JSONField(default=list)
    salt = models.BinaryField(max_length=32)
    # The one before goes on to sign for a while, so that a listener can change over.
    old_salt = models.BinaryField(max_length=32, null=True, blank=True)
    old_until = models.DateTimeField(null=True, blank=True)
    # Only what is sealed after this place of the chain of events is told.
    since = models.BigIntegerField()
    # Since when nothing arrived any more; null while the last delivery did.
    failing_since = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_why = models.CharField(max_length=256, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="webhook_name_once_per_project"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(url=""), name="webhook_has_name_and_address"),
            models.CheckConstraint(condition=Exact(Length("salt"), 32), name="webhook_salt_whole"),
            models.CheckConstraint(
                condition=Q(old_salt=None, old_until=None)
                | Q(old_salt__isnull=False, old_until__isnull=False),
                name="webhook_old_secret_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(disabled_at=None, disabled_why="")
                | Q(disabled_at__isnull=False) & ~Q(disabled_why=""),
                name="webhook_disabled_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address("projects:webhook", self.project.entity.name, self.project.name, str(self.pk))


class WebhookCursor(models.Model):
    """Up to which place of the chain of events webhooks were told of; one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="webhook_cursor_only_one")]

    def __str__(self) -> str:
        return str(self.position)


class DeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Reads of deliveries."""

    def due(self, at: datetime) -> DeliveryQuerySet:
        """Those to be sent now, or again, of webhooks that are not disabled."""
        return self.filter(state=WebhookDelivery.State.WAITING, next_at__lte=at, webhook__disabled_at=None)


class WebhookDelivery(models.Model):
    """One thing to be told to one webhook: what is sent, and how that went so far."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    # What its listener tells repetitions by.
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=32)
    # The place of its event in the chain; null for a test.
    position = models.BigIntegerField(null=True, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # When it is sent (again): a worker that has it puts this off, so that no other takes it meanwhile.
    next_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "position"],
                condition=Q(position__isnull=False),
                name="delivery_once_per_event",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", finished_at=None, next_at__isnull=False)
                | Q(state__in=["delivered", "failed"], finished_at__isnull=False, next_at=None),
                name="delivery_waits_or_is_over",
            ),
        ]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="delivery_newest_first"),
            models.Index(fields=["next_at"], condition=Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["created_at"], name="delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.webhook}"


class WebhookAttempt(models.Model):
    """One time that a delivery was sent: what was answered, or why nothing was."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField(default=timezone.now)
    # Null where no answer came; then `error` says why.
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=512, blank=True)
    # The beginning of the answer.
    answer = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__isnull=False) | ~Q(error=""), name="attempt_was_answered_or_says_why"
            ),
        ]

    def __str__(self) -> str:
        return str(self.status or self.error)

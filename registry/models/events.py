"""Events: who did what, when, from where, before and after. Append-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from registry.models.fields import PositionField, Sha256Field

if TYPE_CHECKING:
    from registry.models.projects import Project


class Event(models.Model):
    """One act. Subjects are plain ids, so that an event outlives what it tells of."""

    at = models.DateTimeField(default=timezone.now)
    act = models.CharField(max_length=64)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=128)
    door = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True)
    key_prefix = models.CharField(max_length=16, blank=True)
    entity_id = models.BigIntegerField(null=True)
    project_id = models.BigIntegerField(null=True)
    collection_id = models.BigIntegerField(null=True)
    version_id = models.BigIntegerField(null=True)
    # The version that lost an alias by this act: its history tells it, too.
    taken_from_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=512, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    # Of all of the above: see `registry.models.chain`.
    digest = Sha256Field()

    # Not kept: the project at hand when the event is made, for who writes it.
    place: Project | None = None

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "-id"], name="event_by_project"),
            models.Index(fields=["collection_id", "-id"], name="event_by_collection"),
            models.Index(fields=["collection_id", "act", "-id"], name="event_by_collection_act"),
            models.Index(fields=["version_id", "-id"], name="event_by_version"),
            models.Index(
                fields=["taken_from_id", "-id"],
                condition=Q(taken_from_id__isnull=False),
                name="event_by_loser",
            ),
            models.Index(fields=["entity_id", "-id"], name="event_by_entity"),
            # What a list of events is narrowed to, where one project may have millions.
            models.Index(fields=["project_id", "act", "-id"], name="event_by_act"),
            models.Index(fields=["project_id", "actor_name", "-id"], name="event_by_actor"),
            models.Index(fields=["at"], name="event_by_time"),
            # One's own acts, in whatever project.
            models.Index(fields=["actor_id", "-id"], name="event_by_person"),
            # The same of a team, or of everything.
            models.Index(fields=["act", "-id"], name="event_by_act_anywhere"),
            models.Index(fields=["actor_name", "-id"], name="event_by_actor_anywhere"),
        ]
        constraints = [
            models.CheckConstraint(condition=Exact(Length("digest"), 32), name="event_digest_whole"),
        ]

    def __str__(self) -> str:
        return f"{self.act} by {self.actor_name}"


class EventSeal(models.Model):
    """The place of an event in the chain of all events; `hash` is of the link before, the event's id and digest.

    Positions have no gaps, and follow the commits; ids of events may have gaps, and don't.
    """

    position = PositionField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    hash = Sha256Field()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Exact(Length("hash"), 32), name="event_seal_hash_whole"),
            models.CheckConstraint(condition=Q(position__gt=0), name="event_seal_position_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"

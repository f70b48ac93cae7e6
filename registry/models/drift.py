"""References that are looked at again: one row a version, and one for each reference that is not as it was."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from registry.models.fields import Sha256Field
from registry.models.teams import Entity
from registry.models.versions import Version


class ReferenceWatchQuerySet(models.QuerySet["ReferenceWatch"]):
    """Reads of watches."""

    def due(self, at: datetime) -> ReferenceWatchQuerySet:
        """Those whose time has come, and that nobody works at."""
        free = Q(claimed_until=None) | Q(claimed_until__lte=at)
        return self.filter(free, next_at__lte=at)


class ReferenceWatch(models.Model):
    """How the references of a version were found, and how far the present look at them has come.

    A version may have millions of references: they are looked at in batches, over many runs. `after` is the path
    of the last one that was looked at, `seen` how many references of the version stand up to there.
    """

    class State(models.TextChoices):
        NONE = "", "Not checked yet"
        OK = "ok", "As recorded"
        CHANGED = "changed", "Changed"
        MISSING = "missing", "Missing"
        UNREACHABLE = "unreachable", "Unreachable"

    version = models.OneToOneField(Version, on_delete=models.CASCADE, related_name="watch")
    # Whose turn it is: entities take turns, however many versions one of them has.
    scope = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    # How many references the version has; null until they were counted.
    total = models.PositiveBigIntegerField(null=True, blank=True)
    # References of which nothing was recorded that could be compared.
    unwatched = models.PositiveBigIntegerField(default=0)
    # How many rows of `drifts` there are of each state.
    changed = models.PositiveBigIntegerField(default=0)
    missing = models.PositiveBigIntegerField(default=0)
    unreachable = models.PositiveBigIntegerField(default=0)
    # What the last whole look came to, and when it ended.
    state = models.CharField(max_length=11, choices=State, default=State.NONE, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    # Since when `state` is what it is.
    state_since = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True, blank=True)
    # The look that is under way.
    begun_at = models.DateTimeField(null=True, blank=True)
    after = models.TextField(blank=True)
    seen = models.PositiveBigIntegerField(default=0)
    seen_unwatched = models.PositiveBigIntegerField(default=0)
    # Which worker has a batch of it in hand; who is killed loses it by the clock.
    claim = models.CharField(max_length=32, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    objects = ReferenceWatchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="", checked_at=None, state_since=None)
                | Q(
                    state__in=["ok", "changed", "missing", "unreachable"],
                    checked_at__isnull=False,
                    state_since__isnull=False,
                ),
                name="watch_state_known",
            ),
            models.CheckConstraint(
                condition=Q(begun_at__isnull=False) | Q(after="", seen=0, seen_unwatched=0),
                name="watch_place_of_a_look",
            ),
            models.CheckConstraint(
                condition=Q(seen_unwatched__lte=F("seen")), name="watch_unwatched_among_seen"
            ),
            models.CheckConstraint(
                condition=Q(begun_at__isnull=False)
                | Q(total=None)
                | Q(total__gte=F("unwatched") + F("changed") + F("missing") + F("unreachable")),
                name="watch_states_within_total",
            ),
            models.CheckConstraint(
                condition=Q(claim="", claimed_until=None) | ~Q(claim="") & Q(claimed_until__isnull=False),
                name="watch_claim_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at", "scope"], name="watch_due"),
            # Home tells whose references changed lately: few among all.
            models.Index(
                fields=["-state_since"],
                condition=Q(state__in=["changed", "missing", "unreachable"]),
                name="watch_drifted",
            ),
        ]

    def __str__(self) -> str:
        return f"references of version {self.version_id}: {self.state or 'not checked yet'}"

    @property
    def drifted(self) -> int:
        """How many references are not as they were recorded, or cannot be reached."""
        return self.changed + self.missing + self.unreachable

    @property
    def worst(self) -> str:
        """What is worst of what is known of them by now."""
        return next((name for name in ("missing", "changed", "unreachable") if getattr(self, name)), "ok")

    @property
    def watched(self) -> int:
        """How many references can be compared with what was recorded."""
        return max(0, (self.total or 0) - self.unwatched)

    @property
    def ok(self) -> int:
        """How many references were found as they were recorded."""
        return max(0, self.watched - self.drifted)


class ReferenceDrift(models.Model):
    """A reference that is not as it was recorded, or can't be reached.

    `position` counts the references of the version in path order: the content of a version never changes, and
    neither database compares paths as they are ordered.
    """

    class State(models.TextChoices):
        CHANGED = "changed", "Changed"
        MISSING = "missing", "Missing"
        UNREACHABLE = "unreachable", "Unreachable"

    watch = models.ForeignKey(ReferenceWatch, on_delete=models.CASCADE, related_name="drifts")
    position = models.PositiveBigIntegerField()
    path = models.TextField()
    # A path may be longer than what an index takes.
    path_sha256 = Sha256Field()
    uri = models.TextField()
    state = models.CharField(max_length=11, choices=State)
    # It is out of bounds for this server, so that it is asked for rarely.
    refused = models.BooleanField(default=False)
    # Where a whole place is (a host, a bucket, all files), one row stands for all of it: the SHA-256 of what the
    # place is called, how many `others` there are, and how many of all were met by the look that is under way.
    place_sha256 = Sha256Field(null=True, blank=True)
    others = models.PositiveBigIntegerField(default=0)
    met = models.PositiveBigIntegerField(default=0)
    since = models.DateTimeField()
    checked_at = models.DateTimeField()
    why = models.TextField(blank=True)
    # What is there now, as an entry records it, where it has changed.
    digest = models.TextField(blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    extra = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["watch", "position"], name="drift_once_per_reference"),
            models.UniqueConstraint(fields=["watch", "path_sha256"], name="drift_once_per_path"),
            models.CheckConstraint(
                condition=Q(state__in=["changed", "missing", "unreachable"]), name="drift_state_known"
            ),
            models.CheckConstraint(
                condition=Q(refused=False) | Q(state="unreachable"), name="drift_refused_is_unreachable"
            ),
            models.CheckConstraint(
                condition=Q(state="changed") | Q(digest="", size=None), name="drift_found_only_when_changed"
            ),
            models.CheckConstraint(condition=Exact(Length("path_sha256"), 32), name="drift_sha256_whole"),
            models.UniqueConstraint(fields=["watch", "place_sha256"], name="drift_once_per_place"),
            models.CheckConstraint(
                condition=Q(place_sha256=None, others=0, met=0)
                | Q(Exact(Length("place_sha256"), 32), place_sha256__isnull=False, refused=True),
                name="drift_place_is_refused",
            ),
        ]
        indexes = [models.Index(fields=["watch", "state", "position"], name="drift_by_state")]

    def __str__(self) -> str:
        return f"{self.path}: {self.state}"

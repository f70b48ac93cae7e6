"""TTL policies of teams (or people), projects and collections; what expired, and what soon will."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.collections import Collection
from registry.models.projects import Project
from registry.models.teams import Entity
from registry.models.versions import Version


class TtlPolicy(models.Model):
    """What `inherit` means below one entity, project or collection: the nearest policy counts.

    `seconds` null means never: it ends the search, so a collection can be kept in a team that expires.
    """

    entity = models.OneToOneField(Entity, null=True, on_delete=models.CASCADE, related_name="ttl_policy")
    project = models.OneToOneField(Project, null=True, on_delete=models.CASCADE, related_name="ttl_policy")
    collection = models.OneToOneField(
        Collection, null=True, on_delete=models.CASCADE, related_name="ttl_policy"
    )
    seconds = models.PositiveBigIntegerField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(entity__isnull=False, project=None, collection=None)
                | Q(entity=None, project__isnull=False, collection=None)
                | Q(entity=None, project=None, collection__isnull=False),
                name="ttl_policy_of_exactly_one",
            ),
            models.CheckConstraint(condition=Q(seconds=None) | Q(seconds__gt=0), name="ttl_policy_positive"),
        ]

    def __str__(self) -> str:
        return "never" if self.seconds is None else f"{self.seconds} s"


class ExpiryRun(models.Model):
    """What one run of the expiry moved to the trash of one entity: kept with it, in the same transactions."""

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="expiry_runs")
    at = models.DateTimeField()
    versions = models.PositiveBigIntegerField(default=0)
    # What the versions have, in bytes; how much of it comes back depends on who shares it.
    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity", "at"], name="expiry_run_once_per_entity"),
        ]

    def __str__(self) -> str:
        return f"{self.versions} of {self.entity_id} at {self.at:%Y-%m-%d %H:%M}"


class ExpiryNotice(models.Model):
    """A version that expires within the next days, for the pages and letters that say so.

    Made ahead by the clock: the home page could not judge every version of every project.
    """

    version = models.OneToOneField(Version, on_delete=models.CASCADE, related_name="expiry_notice")
    # Who logged it: found here, and not among all that they ever logged.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="expiry_notices"
    )
    expires_at = models.DateTimeField(db_index=True)
    # When the person who logged it was told by mail.
    told_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"version {self.version_id} on {self.expires_at:%Y-%m-%d}"


class ExpiryLetter(models.Model):
    """When a person was last told by mail what expires: one letter a day at most."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sent_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id} on {self.sent_at:%Y-%m-%d}"


class Clock(models.Model):
    """What the expiry knows of the wall clock: one row. See `registry.services.clock`."""

    # The last moment at which the clock was believed, with the boot and the seconds since it then.
    seen_at = models.DateTimeField()
    boot = models.CharField(max_length=64, blank=True)
    uptime = models.BigIntegerField(default=0)
    # The newest version then: what is newer and yet older was logged while the clock was behind.
    newest_version = models.BigIntegerField(default=0)
    is_behind = models.BooleanField(default=False)
    # Since when the clock is not believed, and the same of the boot.
    held_since = models.DateTimeField(null=True, blank=True)
    held_boot = models.CharField(max_length=64, blank=True)
    held_uptime = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="clock_only_one")]

    def __str__(self) -> str:
        return f"seen at {self.seen_at:%Y-%m-%d %H:%M}"

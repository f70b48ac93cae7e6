"""Artifact versions, and their places (memberships) in collections."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

from registry.models.addresses import versions_of
from registry.models.collections import Collection
from registry.models.fields import is_hex
from registry.models.projects import Project
from registry.models.references import Resolution

if TYPE_CHECKING:
    from registry.models.accounts import User

_PUBLIC_ID = re.compile(r"Artifact:([0-9]{1,18})")


def pk_of(public_id: str) -> int | None:
    """Decode the id that clients see; None when it is none of ours."""
    try:
        decoded = base64.b64decode(public_id, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    matched = _PUBLIC_ID.fullmatch(decoded)
    return int(matched[1]) if matched else None


class VersionQuerySet(models.QuerySet["Version"]):
    """Reads of versions by their own id; lists go through memberships."""

    def visible_to(self, user: User | None) -> VersionQuerySet:
        return self.filter(sequence__project__in=Project.objects.visible_to(user).values("pk"))

    def abandoned(self, before: datetime) -> VersionQuerySet:
        """Drafts that nobody touched since `before`, and no worker is to go on with."""
        rows = self.filter(state=Version.State.PENDING, updated_at__lt=before)
        return rows.exclude(Exists(Resolution.objects.waiting().filter(pk=OuterRef("pk"))))

    def unchanged(self, before: datetime) -> VersionQuerySet:
        """Drafts whose commit made nothing new, and that nobody touched since `before`."""
        return self.filter(deletion_cause=Version.Cause.UNCHANGED, updated_at__lt=before)

    def purgeable(self, at: datetime) -> VersionQuerySet:
        return self.filter(state=Version.State.DELETED, purged_at=None, purge_at__lte=at)


class Version(models.Model):
    """One immutable content with its mutable card (description, metadata, aliases, tags, TTL)."""

    class State(models.TextChoices):
        PENDING = "PENDING", "Pending"
        COMMITTED = "COMMITTED", "Committed"
        DELETED = "DELETED", "Deleted"

    class Ttl(models.TextChoices):
        INHERIT = "inherit", "Inherit"
        DURATION = "duration", "Duration"
        NEVER = "never", "Never"

    class Cause(models.TextChoices):
        PERSON = "person", "Deleted by a person"
        EXPIRY = "expiry", "Expired"
        UNCHANGED = "unchanged", "Same content as the latest version"

    sequence = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="sources")
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    manifest = models.ForeignKey(
        "registry.Manifest", null=True, blank=True, on_delete=models.PROTECT, related_name="versions"
    )
    # Of a draft: what the MD5s that its client gave add up to, when it gave one for each file.
    digest = models.CharField(max_length=32, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    file_count = models.PositiveBigIntegerField(default=0)
    commit_hash = models.CharField(max_length=40, blank=True)

    description = models.TextField(blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    ttl_kind = models.CharField(max_length=8, choices=Ttl, default=Ttl.INHERIT)
    ttl_seconds = models.PositiveBigIntegerField(null=True, blank=True)
    # created_at + ttl_seconds for a TTL set here; null for inherit and never.
    expires_at = models.DateTimeField(null=True, blank=True)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(
        "registry.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="logged_versions"
    )
    # The type that the draft was begun for: the first commit settles that of its collection. Empty afterwards.
    type_name = models.CharField(max_length=128, blank=True)
    # Of a draft: the aliases and tags that its client gave when it began it, for the commit.
    given_names = models.JSONField(null=True, blank=True)
    # Identifiers that clients choose, so that a repeated request finds the same draft.
    client_id = models.CharField(max_length=128, null=True, blank=True)  # noqa: DJ001  # null: unique only when given
    sequence_client_id = models.CharField(max_length=128, blank=True)
    distributed_id = models.CharField(max_length=128, blank=True)
    history_step = models.BigIntegerField(null=True, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    committed_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    deletion_cause = models.CharField(max_length=9, choices=Cause, blank=True)
    # A draft whose content was that of `latest`: its commit answers that version.
    same_as = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # What restoring gives back: [{"collection": id, "alias": name}, …]
    lost_aliases = models.JSONField(default=list, blank=True)
    purge_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    objects = VersionQuerySet.as_manager()

    # Its tags, where a list read those of all its rows at once (`labels.put_names`).
    tag_names: list[str] | None = None

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["created_by", "client_id"],
                condition=Q(client_id__isnull=False),
                name="draft_once_per_client_id",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["PENDING", "COMMITTED", "DELETED"]), name="version_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="COMMITTED")
                | Q(manifest__isnull=False, committed_at__isnull=False) & ~Q(digest=""),
                name="version_committed_has_content",
            ),
            models.CheckConstraint(
                condition=Q(digest="") | is_hex("digest", 32), name="version_digest_whole"
            ),
            models.CheckConstraint(
                condition=Q(state="DELETED", deleted_at__isnull=False)
                | ~Q(state="DELETED") & Q(deleted_at=None),
                name="version_deleted_has_date",
            ),
            models.CheckConstraint(
                condition=Q(purged_at=None) | Q(state="DELETED"), name="version_purged_only_when_deleted"
            ),
            models.CheckConstraint(
                condition=Q(ttl_kind="duration", ttl_seconds__gt=0, expires_at__isnull=False)
                | Q(ttl_kind__in=["inherit", "never"], ttl_seconds=None, expires_at=None),
                name="version_ttl_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "updated_at"], name="version_by_state"),
            models.Index(fields=["expires_at"], condition=Q(state="COMMITTED"), name="version_due"),
            models.Index(
                fields=["purge_at"], condition=Q(state="DELETED", purged_at=None), name="version_purgeable"
            ),
            models.Index(fields=["sequence", "created_at"], name="version_by_age"),
            # Drafts that made nothing new, among all that was ever deleted.
            models.Index(
                fields=["updated_at"], condition=Q(deletion_cause="unchanged"), name="version_unchanged"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.pk} of {self.sequence_id}"

    @property
    def public_id(self) -> str:
        """The id that clients see: standard padded base64, as the `wandb` client requires."""
        return base64.b64encode(f"Artifact:{self.pk}".encode()).decode()

    def held_tags(self) -> list[str]:
        """Return the names of its tags, sorted."""
        if self.tag_names is None:
            self.tag_names = [tag.name for tag in self.tags.all()]
        return self.tag_names


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Reads of versions as they stand in collections."""

    def committed(self) -> MembershipQuerySet:
        return self.filter(version__state=Version.State.COMMITTED)

    def trashed(self) -> MembershipQuerySet:
        return self.filter(version__state=Version.State.DELETED, version__purged_at=None)

    def sources(self) -> MembershipQuerySet:
        """The place in the sequence where each version was logged, never a link."""
        return self.filter(collection_id=models.F("version__sequence_id"))

    def registered(self) -> MembershipQuerySet:
        """Links in registries, which keep their versions; one in the trash with its portfolio keeps nothing."""
        return self.filter(collection__project__kind=Project.Kind.REGISTRY, collection__deleted_at=None)

    def shown_to(self, user: User | None) -> MembershipQuerySet:
        """Places in live collections that a person may see."""
        seen = Project.objects.visible_to(user).values("pk")
        return self.filter(collection__project__in=seen, collection__deleted_at=None)

    def newest_of(self, collection_ids: Iterable[int]) -> MembershipQuerySet:
        """The newest version of each of some collections that has any; one query is made at once.

        A walk down one index a collection, in a query of its own: joined, SQLite begins at all versions.
        """
        newest = Membership.objects.committed().filter(collection=OuterRef("pk")).order_by("-number")
        used = Collection.objects.filter(pk__in=list(collection_ids), version_count__gt=0).order_by()
        return self.filter(pk__in=list(used.values_list(Subquery(newest.values("pk")[:1]), flat=True)))

    def for_listing(self) -> MembershipQuerySet:
        return self.select_related(
            "version__created_by",
            "version__manifest",
            "version__run__project__entity",
            "version__sequence__project__entity",
            "version__sequence__type",
            "collection__type",
            "collection__project__entity",
        ).prefetch_related("aliases", "version__tags")

    def without_cards(self) -> MembershipQuerySet:
        """Leave what may have megabytes in the database: lists that show names read many versions."""
        return self.defer(
            "version__description", "version__metadata", "version__run__config", "version__run__summary"
        )


class Membership(models.Model):
    """A version's place in a collection, with its own v{N}: the source's, or a link's."""

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="memberships")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="memberships")
    number = models.PositiveBigIntegerField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = MembershipQuerySet.as_manager()

    # Its aliases, where a list read those of all its rows at once (`labels.put_names`).
    alias_names: list[str] | None = None

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "number"], name="version_number_once_per_collection"
            ),
            models.UniqueConstraint(fields=["collection", "version"], name="version_once_per_collection"),
        ]
        indexes = [
            models.Index(fields=["collection", "-number"], name="membership_newest_first"),
            # What was the newest then: the history of `latest`.
            models.Index(fields=["collection", "-created_at"], name="membership_by_time"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        project = self.collection.project
        return f"{versions_of(project.entity.name, project.name, self.collection.name)}v{self.number}"

    @property
    def name(self) -> str:
        return f"{self.collection.name}:v{self.number}"

    @property
    def qualified_name(self) -> str:
        return f"{self.collection.project}/{self.name}"

    @property
    def is_link(self) -> bool:
        return self.collection_id != self.version.sequence_id

    def held_aliases(self) -> list[str]:
        """Return the names of its aliases, sorted."""
        if self.alias_names is None:
            self.alias_names = [alias.name for alias in self.aliases.all()]
        return self.alias_names

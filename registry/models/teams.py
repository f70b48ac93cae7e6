"""Entities own projects: users and teams; teams belong to an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from registry.models.accounts import User


def named(name: str) -> Q:
    """Match the user, team or organization of this name: they are compared without case, like all entities."""
    return Q(entity__folded=name.casefold())


class Role(models.TextChoices):
    """What a person may do in a team; the order is that of growing rights."""

    VIEWER = "viewer", "Viewer"
    MEMBER = "member", "Member"
    ADMIN = "admin", "Admin"


class EntityQuerySet(models.QuerySet["Entity"]):
    """Reads of entities."""

    def named(self, name: str) -> EntityQuerySet:
        """Names are compared without case, so that `Acme` and `acme` can't both be."""
        return self.filter(folded=name.casefold())

    def live(self) -> EntityQuerySet:
        return self.filter(deleted_at=None)

    def visible_to(self, user: User | None) -> EntityQuerySet:
        """One's own, one's organizations, and all teams of theirs; who is in a team is in its organization."""
        if user is None or not user.is_active:
            return self.none()
        return self.live() if user.is_admin else self.seen_by(user.pk)

    def seen_by(self, user: int) -> EntityQuerySet:
        """What somebody sees who is active, and no admin of this installation."""
        organizations = OrganizationMember.objects.filter(user=user).values("organization")
        return self.live().filter(
            Q(user=user) | Q(team__organization__in=organizations) | Q(organization__in=organizations)
        )

    def with_role(self, user: User | int) -> EntityQuerySet:
        """Entities in which the person holds a role themselves."""
        return self.live().filter(
            Q(user=user)
            | Q(team__in=TeamMember.objects.filter(user=user).values("team"))
            | Q(organization__in=OrganizationMember.objects.filter(user=user).values("organization"))
        )

    def administered_by(self, user: User | int) -> EntityQuerySet:
        """Entities that the person administers: their own, and those of which they are an admin."""
        teams = TeamMember.objects.filter(user=user, role=Role.ADMIN)
        above = OrganizationMember.objects.filter(user=user, role="admin")
        return self.live().filter(
            Q(user=user) | Q(team__in=teams.values("team")) | Q(organization__in=above.values("organization"))
        )


class Entity(models.Model):
    """A namespace: the first part of `entity/project/collection:alias`."""

    class Kind(models.TextChoices):
        USER = "user", "User"
        TEAM = "team", "Team"
        ORGANIZATION = "organization", "Organization"

    name = models.CharField(max_length=128)
    folded = models.CharField(max_length=128, unique=True)
    kind = models.CharField(max_length=12, choices=Kind)
    created_at = models.DateTimeField(default=timezone.now)
    # Of a team in the trash: since when, until when it can be restored, and when that was over.
    deleted_at = models.DateTimeField(null=True, blank=True)
    purge_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    objects = EntityQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(deleted_at=None, purge_at=None, purged_at=None)
                | Q(deleted_at__isnull=False, purge_at__isnull=False, kind="team"),
                name="entity_deleted_is_a_team_with_a_date",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="entity_name_not_empty"),
            models.CheckConstraint(
                condition=Q(kind__in=["user", "team", "organization"]), name="entity_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Organization(models.Model):
    """Holds teams and, through its own entity, registries."""

    entity = models.OneToOneField(Entity, on_delete=models.PROTECT, related_name="organization")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.entity.name


class OrganizationMember(models.Model):
    """A person's place in an organization."""

    ROLES: ClassVar[list[tuple[str, str]]] = [("member", "Member"), ("admin", "Admin")]

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="organization_memberships"
    )
    role = models.CharField(max_length=8, choices=ROLES, default="member")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="organization_member_once"),
            models.CheckConstraint(condition=Q(role__in=["member", "admin"]), name="organization_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class Team(models.Model):
    """People who share projects; its settings are those of the retention page."""

    class TtlEditors(models.TextChoices):
        ADMINS = "admins", "Admins"
        MEMBERS = "members", "Admins and members"

    entity = models.OneToOneField(Entity, on_delete=models.PROTECT, related_name="team")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="teams")
    ttl_editors = models.CharField(max_length=8, choices=TtlEditors, default=TtlEditors.MEMBERS)
    inherited_ttl_spares_aliased = models.BooleanField(default=True)
    # Null: what the settings of the installation say.
    trash_days = models.PositiveIntegerField(null=True, blank=True)
    # Bytes that the store may keep for the team; null is what the settings say, 0 is without limit.
    quota_soft = models.PositiveBigIntegerField(null=True, blank=True)
    quota_hard = models.PositiveBigIntegerField(null=True, blank=True)
    # So many newest versions of each collection never expire by a time to live that they inherit.
    kept_newest = models.PositiveIntegerField(default=0)
    # Nothing expires by the team's default before: the backlog of a new default waits for this moment.
    ttl_grace_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ttl_editors__in=["admins", "members"]), name="team_ttl_editors_known"
            ),
            models.CheckConstraint(
                condition=Q(trash_days=None) | Q(trash_days__lte=36500), name="team_trash_days_within_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.entity.name


class TeamMember(models.Model):
    """A person's role in a team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="team_memberships"
    )
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="team_member_once"),
            models.CheckConstraint(
                condition=Q(role__in=["viewer", "member", "admin"]), name="team_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"

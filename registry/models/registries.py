"""Registries: what a project of that kind has beside a project, and who holds which role in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from strongroom.core.targets import REGISTRY_PREFIX

from registry.models.teams import Team, TeamMember

if TYPE_CHECKING:
    from registry.models.accounts import User


class RegistryRole(models.TextChoices):
    """What a person may do in a registry; the order is that of growing rights."""

    RESTRICTED = "restricted_viewer", "Restricted viewer"
    VIEWER = "viewer", "Viewer"
    MEMBER = "member", "Member"
    ADMIN = "admin", "Admin"


class Registry(models.Model):
    """The settings of a registry: the rest (name, description, visibility) are its project's."""

    class Icon(models.TextChoices):
        STACK = "stack-2", "Stack"
        BOX = "box", "Box"
        DATABASE = "database", "Database"
        TABLE = "table", "Table"
        PHOTO = "photo", "Picture"
        BRACES = "braces", "Braces"
        TREE = "hierarchy-2", "Tree"
        BUILDING = "building", "Building"

    project = models.OneToOneField(
        "registry.Project", on_delete=models.CASCADE, primary_key=True, related_name="registry"
    )
    icon = models.CharField(max_length=16, choices=Icon, default=Icon.STACK)
    # Names of types that its portfolios may have; empty is any.
    accepted_types = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    icon__in=[
                        "stack-2",
                        "box",
                        "database",
                        "table",
                        "photo",
                        "braces",
                        "hierarchy-2",
                        "building",
                    ]
                ),
                name="registry_icon_known",
            )
        ]

    def __str__(self) -> str:
        return self.project.name.removeprefix(REGISTRY_PREFIX)


class RegistryMemberQuerySet(models.QuerySet["RegistryMember"]):
    """Reads of members of registries."""

    def counting_for(self, user: User | int) -> RegistryMemberQuerySet:
        """What gives a person a role: their own memberships, and those of the teams that they are in."""
        teams = TeamMember.objects.filter(user=user, team__entity__deleted_at=None).values("team")
        return self.filter(Q(user=user) | Q(team__in=teams))


class RegistryMember(models.Model):
    """The role of a person, or of all who are in a team, in a registry."""

    project = models.ForeignKey("registry.Project", on_delete=models.CASCADE, related_name="registry_members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="registry_memberships",
    )
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.CASCADE, related_name="registry_memberships"
    )
    role = models.CharField(max_length=17, choices=RegistryRole, default=RegistryRole.VIEWER)
    created_at = models.DateTimeField(default=timezone.now)

    objects = RegistryMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, team=None) | Q(user=None, team__isnull=False),
                name="registry_member_is_a_person_or_a_team",
            ),
            models.UniqueConstraint(fields=["project", "user"], name="registry_person_once"),
            models.UniqueConstraint(fields=["project", "team"], name="registry_team_once"),
            models.CheckConstraint(
                condition=Q(role__in=["restricted_viewer", "viewer", "member", "admin"]),
                name="registry_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.project}"

    @property
    def name(self) -> str:
        """The person's or the team's name."""
        return self.user.username if self.user is not None else str(self.team)

"""Projects hold runs and collections; a registry is a project of an organization."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.addresses import address
from registry.models.prepared import Prepared
from registry.models.registries import RegistryMember
from registry.models.teams import Entity

if TYPE_CHECKING:
    from registry.models.accounts import User


# What a person is given and sees: parts of nearly every list, seven times of home, so composed once.
_HELD = Prepared[int](lambda user: Entity.objects.with_role(user).values("pk"))
_SEEN = Prepared[int](lambda user: Entity.objects.seen_by(user).values("pk"))
_ADMINISTERED = Prepared[int](lambda user: Entity.objects.administered_by(user).values("pk"))
_GIVEN = Prepared[int](lambda user: RegistryMember.objects.counting_for(user).values("project"))


class ProjectQuerySet(models.QuerySet["Project"]):
    """Reads of projects."""

    def live(self) -> ProjectQuerySet:
        return self.filter(deleted_at=None)

    def visible_to(self, user: User | None) -> ProjectQuerySet:
        """One's own, those of one's teams and organizations, and those that a team opened to the organization.

        A registry is its members' and its organization's admins', and everybody's there when it is open.
        Sub-queries, not joins: a join over members would repeat rows and need DISTINCT on every list.
        """
        if user is None or not user.is_active:
            return self.none()
        return self.live() if user.is_admin else self.live().given_to(user.pk)

    def given_to(self, person: int) -> ProjectQuerySet:
        """The same of somebody who is no admin of the installation, by the id."""
        opened = Q(visibility=Project.Visibility.ORGANIZATION)
        registry = Q(kind=Project.Kind.REGISTRY)
        mine = Q(pk__in=_GIVEN.within(person)) | Q(entity__in=_ADMINISTERED.within(person))
        return self.filter(
            ~registry & Q(entity__in=_HELD.within(person))
            | registry & mine
            | opened & Q(entity__in=_SEEN.within(person))
        )

    def at(self, entity: str, project: str) -> Project | None:
        """Return the project of this address, with its entity; accents count the same however they are composed."""
        return _AT.first(entity.casefold(), unicodedata.normalize("NFC", project))


class Project(models.Model):
    """The second part of `entity/project/collection:alias`."""

    class Kind(models.TextChoices):
        PROJECT = "project", "Project"
        REGISTRY = "registry", "Registry"

    class Visibility(models.TextChoices):
        PRIVATE = "private", "Private to the team"
        ORGANIZATION = "organization", "Open to the organization"

    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, related_name="projects")
    name = models.CharField(max_length=128)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.PROJECT)
    visibility = models.CharField(max_length=12, choices=Visibility, default=Visibility.PRIVATE)
    description = models.TextField(blank=True)
    # Whether webhooks are to be told what happens here: whoever writes an event wakes a worker then.
    hooked = models.BooleanField(default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Until when it can be restored, and when that was over.
    purge_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "name"], condition=Q(deleted_at=None), name="project_name_once_per_entity"
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None, purge_at=None)
                | Q(deleted_at__isnull=False, purge_at__isnull=False),
                name="project_deleted_has_purge_date",
            ),
            models.CheckConstraint(
                condition=Q(purged_at=None) | Q(deleted_at__isnull=False),
                name="project_purged_only_when_deleted",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="project_name_not_empty"),
            models.CheckConstraint(condition=Q(kind__in=["project", "registry"]), name="project_kind_known"),
            models.CheckConstraint(
                condition=Q(visibility__in=["private", "organization"]), name="project_visibility_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity.name}/{self.name}"

    def get_absolute_url(self) -> str:
        return address("projects:detail", self.entity.name, self.name)


_AT = Prepared[Project](
    lambda folded, name: (
        Project.objects.live().filter(entity__folded=folded, name=name).select_related("entity")
    )
)

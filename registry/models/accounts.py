"""People, their API keys, and the installation's one-time set-up token."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.utils import timezone

from registry.models.fields import Sha256Field
from registry.models.registries import RegistryRole
from registry.models.teams import Entity, Role, named


class UserManager(BaseUserManager["User"]):
    """Look-up by name; people are made by `services.accounts.create_user`, nowhere else."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(named(username or ""))


class User(AbstractBaseUser):
    """A person (or a service) who signs in; the entity of the same name owns their own projects."""

    username = models.CharField(max_length=128, unique=True)
    email = models.EmailField(blank=True)
    full_name = models.CharField(max_length=200, blank=True)
    entity = models.OneToOneField(Entity, on_delete=models.PROTECT, related_name="user")
    # A name of the IANA database; empty is UTC.
    time_zone = models.CharField(max_length=64, blank=True)
    # Where runs and artifacts go that name no entity; null is one's own.
    default_entity = models.ForeignKey(
        Entity, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # When the home page was last opened after a while: what happened since is told apart.
    home_seen_at = models.DateTimeField(null=True, blank=True)
    # Whether what the inbox tells comes by mail, too, where mail is set up.
    mails_inbox = models.BooleanField(default=True)
    is_admin = models.BooleanField(default=False, help_text="Administers the whole installation")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    # What `policy` read of this person's roles, by entity. Set for one request: its rights are read once, and
    # the next request reads them anew.
    roles_read: dict[int, Role | None] | None = None
    # The same of registries, by project.
    registry_roles_read: dict[int, RegistryRole | None] | None = None

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        return self.full_name or self.username


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Reads of API keys."""

    def live(self, at: datetime) -> ApiKeyQuerySet:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at), revoked_at=None)


class ApiKey(models.Model):
    """A secret for scripts: shown once, kept as a SHA-256, found by its first characters."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=128)
    prefix = models.CharField(max_length=16, db_index=True)
    sha256 = Sha256Field(unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="api_key_name_not_empty"),
            models.CheckConstraint(condition=Exact(Length("sha256"), 32), name="api_key_sha256_whole"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class Installation(models.Model):
    """The one row about this installation."""

    setup_sha256 = Sha256Field(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    # Damage found until then was taken note of: pages warn only of what was found since.
    damage_acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="installation_only_one"),
            models.CheckConstraint(condition=Exact(Length("setup_sha256"), 32), name="setup_sha256_whole"),
        ]

    def __str__(self) -> str:
        return "this installation"

    @classmethod
    def current(cls, **defaults: Any) -> Installation:
        return cls.objects.get_or_create(id=1, defaults=defaults)[0]

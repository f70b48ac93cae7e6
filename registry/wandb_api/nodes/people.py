"""People and entities."""

from __future__ import annotations

from typing import Any

from registry.models import Entity, Organization, User
from registry.services import projects, registries, teams
from registry.wandb_api import ids
from registry.wandb_api.connections import edges, read, refuse_filters
from registry.wandb_api.context import Context, node
from registry.wandb_api.finding import project_of
from registry.wandb_api.orders import PROJECTS


@node("User")
class UserNode:
    """A person; of others, the name only."""

    typename = "User"
    flags = "{}"

    def __init__(self, context: Context, user: User) -> None:
        self._context, self._user = context, user
        self._is_me = user == context.user
        self.id = ids.encode("User", user.pk)
        self.username = user.username
        self.name = user.full_name or user.username
        self.email = user.email if self._is_me else None
        self.admin = user.is_admin if self._is_me else None

    def entity(self) -> str | None:
        return self._context.default_entity.name if self._is_me else None

    def teams(self) -> dict[str, Any]:
        """The entities in which one may have a role: the client refuses to log to others."""
        found = teams.entities_of(self._context.actor) if self._is_me else []
        return edges(self._context.nodes("Entity", (entity for entity, _ in found)))

    def organizations(self) -> list[Any]:
        """One's own: by them the client finds registries."""
        found = registries.organizations(self._context.actor) if self._is_me else []
        return self._context.nodes("Organization", found)


@node("Entity")
class EntityNode:
    """A person's or a team's own place."""

    typename = "Entity"
    available = False
    read_only = read_only_admin = is_paid = code_saving_enabled = xxhash_digests_enabled = False
    private_only = True
    storage_bytes = 0
    default_access = "PRIVATE"
    limits = "{}"

    def __init__(self, context: Context, entity: Entity) -> None:
        self._context, self._entity = context, entity
        self.id = ids.encode("Entity", entity.pk)
        self.name = entity.name
        self.is_team = entity.kind != Entity.Kind.USER
        self.entity_type = str(entity.kind) if self.is_team else "user"

    def members(self) -> list[Any]:
        """None: this door does not tell of members."""
        return []

    def organization(self) -> Any:
        """The organization that this is, or whose team: the client looks for registries in it."""
        return self._context.node("Organization", teams.organization_of(self._entity))

    def user(self) -> Any:
        mine = self._entity.pk == self._context.user.entity_id
        return self._context.node("User", self._context.user) if mine else None

    def project(self, name: str | None = None) -> Any:
        return project_of(self._context, self.name, name)

    def projects(
        self,
        first: int | None = None,
        after: str | None = None,
        order: str | None = None,
        filters: str | None = None,
    ) -> dict[str, Any]:
        refuse_filters(filters)
        rows = projects.listing(self._context.actor, entity=self._entity)
        found = read(self._context, rows, PROJECTS, first=first, after=after)
        return edges(self._context.nodes("Project", found.rows), found.next)


@node("Organization")
class OrganizationNode:
    """An organization: the entity that its registries are of."""

    core_weave_organization_id = None

    def __init__(self, context: Context, organization: Organization) -> None:
        self._context, self._organization = context, organization
        self.id = ids.encode("Organization", organization.pk)
        self.name = organization.entity.name

    def org_entity(self) -> Any:
        return self._context.node("Entity", self._organization.entity)

    def feature_flags(self, ramp_id_type: str | None = None) -> list[Any]:
        return []

    def advanced_registry_features(self) -> dict[str, bool]:
        return {"advancedSearch": False}

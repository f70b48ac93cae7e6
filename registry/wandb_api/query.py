"""What can be asked for."""

from __future__ import annotations

from typing import Any

from registry.errors import Forbidden
from registry.models import Entity, User
from registry.services import accounts, declared, projects, teams
from registry.wandb_api.connections import edges, read, refuse_filters
from registry.wandb_api.context import Context
from registry.wandb_api.features import server_info
from registry.wandb_api.finding import artifact_by_id, collection_by_id, maybe, project_of
from registry.wandb_api.orders import PROJECTS


class Query:
    """The fields at the top of a query."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def viewer(self) -> Any:
        return self._context.node("User", self._context.user)

    def server_info(self) -> dict[str, Any]:
        return server_info()

    def user(self, id: str | None = None, user_name: str | None = None) -> Any:
        found = self._user(user_name)
        return self._context.node("User", found)

    def _user(self, name: str | None) -> User | None:
        """Find a person; who may not look people up finds oneself only."""
        if not name or name == self._context.user.username:
            return self._context.user
        try:
            return maybe(lambda: accounts.find(self._context.actor, name))
        except Forbidden:
            return None

    def users(self, query: str | None = None, first: int | None = None, after: str | None = None) -> Any:
        found = self._user(query)
        return edges(self._context.nodes("User", [found] if found else []))

    def entity(self, name: str | None = None) -> Any:
        return self._context.node("Entity", maybe(lambda: self._entity(name)))

    def _entity(self, name: str | None) -> Entity:
        if not name:
            return self._context.default_entity
        return teams.find_entity(self._context.actor, name)

    def organization(self, name: str) -> Any:
        found = maybe(lambda: teams.find_organization(self._context.actor, name))
        return self._context.node("Organization", found)

    def project(
        self, name: str | None = None, entity_name: str | None = None, internal_id: str | None = None
    ) -> Any:
        return project_of(self._context, entity_name, name)

    def model(self, name: str | None = None, entity_name: str | None = None) -> Any:
        return project_of(self._context, entity_name, name)

    def models(
        self,
        entity_name: str | None = None,
        first: int | None = None,
        after: str | None = None,
        order: str | None = None,
        filters: str | None = None,
    ) -> dict[str, Any]:
        refuse_filters(filters)
        rows = projects.listing(self._context.actor, entity=self._entity(entity_name))
        found = read(self._context, rows, PROJECTS, first=first, after=after)
        return edges(self._context.nodes("Project", found.rows), found.next)

    def artifact(self, id: str) -> Any:
        return artifact_by_id(self._context, id)

    def artifact_collection(self, id: str) -> Any:
        found = maybe(lambda: collection_by_id(self._context, id))
        return self._context.node("Collection", found)

    def client_id_mapping(self, client_id: str) -> dict[str, Any] | None:
        found = declared.of_client(self._context.actor, client_id)
        return None if found is None else {"serverID": found}

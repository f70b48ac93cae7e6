"""Entities, projects, and the artifact types in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import (
    DELETED_COLLECTIONS,
    DESCRIPTION,
    ENTITIES,
    PROJECTS,
    PROJECTS_EVERYWHERE,
    TYPES,
)
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import projects as shape
from registry.api.serializers import storage as storage_shape
from registry.api.shapes import choice, choice_of, flag_of, narrowed_to, search_in, words_of
from registry.api.views.collections import DELETE_ALIASES
from registry.models import Entity, Project
from registry.services import collections, project_trash, projects, teams

_FILTERS = (
    search_in("the name"),
    choice("visibility", "of this visibility", *Project.Visibility.values),
)


def _narrowed(query: Mapping[str, Any]) -> dict[str, Any]:
    return {**words_of(query, "q"), **choice_of(query, "visibility", *Project.Visibility.values)}


class EntityList(Endpoint):
    """The entities that one belongs to."""

    @operation(
        "List the entities in which one has a role: one's own, one's teams and organizations",
        {200: shape.ENTITY_PAGE},
        query=(
            search_in("the name"),
            choice("kind", "of this kind", *Entity.Kind.values),
            *LISTING,
            ordering(ENTITIES),
        ),
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of entities, each with one's role."""
        query = self.http.GET
        given = words_of(query, "q") | choice_of(query, "kind", *Entity.Kind.values)
        return self.page(teams.belonging(self.actor, **given), ENTITIES, self._represent)

    def _represent(self, rows: Sequence[Entity]) -> list[dict[str, Any]]:
        roles = teams.roles_of(self.actor, rows)
        return [shape.entity(row, roles.get(row.pk)) for row in rows]


class EntityDetail(Endpoint):
    """One entity."""

    @operation("Show an entity, and one's role in it", {200: shape.ENTITY})
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer the entity."""
        found = teams.find_entity(self.actor, entity)
        return self.answer(shape.entity(found, teams.role_of(self.actor, found)))


class ProjectList(Endpoint):
    """The projects of an entity."""

    @operation(
        "List the projects of an entity that one may see",
        {200: shape.PROJECT_PAGE},
        query=(*_FILTERS, *LISTING, ordering(PROJECTS)),
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of projects."""
        rows = projects.listing(
            self.actor, entity=teams.find_entity(self.actor, entity), **_narrowed(self.http.GET)
        )
        return self.page(
            rows,
            PROJECTS,
            lambda found: [shape.project(row, self.base_url) for row in found],
            weigh=DESCRIPTION,
        )

    @operation("Make a project", {201: shape.PROJECT}, body=shape.NEW_PROJECT)
    def post(self, request: Request, entity: str) -> HttpResponse:
        """Make a project."""
        data = shape.NEW_PROJECT.read(self.http)
        made = projects.create(self.actor, entity=teams.find_entity(self.actor, entity), **data)
        return self.answer(shape.project(made, self.base_url), status=201)


class EveryProject(Endpoint):
    """The projects of all entities."""

    @operation(
        "List the projects that one may see, last changed first",
        {200: shape.PROJECT_PAGE},
        query=(
            *_FILTERS,
            narrowed_to("entity", "of this entity"),
            *LISTING,
            ordering(PROJECTS_EVERYWHERE),
        ),
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of projects."""
        owner = words_of(self.http.GET, "entity").get("entity")
        return self.page(
            projects.listing(self.actor, owner=owner, **_narrowed(self.http.GET)),
            PROJECTS_EVERYWHERE,
            lambda found: [shape.project(row, self.base_url) for row in found],
            weigh=DESCRIPTION,
        )


class ProjectDetail(Endpoint):
    """One project."""

    @operation("Show a project", {200: shape.PROJECT})
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer the project."""
        return self.answer(shape.project(projects.find(self.actor, entity, project), self.base_url))

    @operation("Change a project's settings", {200: shape.PROJECT}, body=shape.PROJECT_CHANGES)
    def patch(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Change what the body names."""
        found = projects.find(self.actor, entity, project)
        changed = projects.edit(self.actor, project=found, **shape.PROJECT_CHANGES.read(self.http))
        return self.answer(shape.project(changed, self.base_url))

    @operation(
        "Move a project with its collections and versions to the trash",
        {204: None},
        query=(DELETE_ALIASES,),
        errors=(409,),
    )
    def delete(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Delete the project."""
        confirmed = flag_of(self.http.GET, "delete_aliases")
        found = projects.find(self.actor, entity, project)
        project_trash.delete(self.actor, project=found, delete_aliases=confirmed)
        return self.nothing()


class ProjectRestore(Endpoint):
    """A project in the trash."""

    @operation(
        "Restore the project of this name that was deleted last, with what was deleted with it",
        {200: shape.RESTORED_PROJECT},
        errors=(409, 410),
    )
    def post(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Restore the project."""
        place = teams.find_entity(self.actor, entity)
        found = project_trash.find_deleted(self.actor, place, project)
        done = project_trash.restore(self.actor, project=found)
        return self.answer(shape.restored_project(done, self.base_url))


class ProjectPurge(Endpoint):
    """Deletion for good of a project in the trash."""

    @operation(
        "Delete the project of this name that was deleted last for good, with what went to the trash from it",
        {200: storage_shape.PURGED},
        errors=(409, 410),
    )
    def post(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Purge the project; answer how many versions went with it."""
        place = teams.find_entity(self.actor, entity)
        found = project_trash.find_deleted(self.actor, place, project)
        return self.answer({"purged": project_trash.purge(self.actor, project=found), "kept": 0})


class DeletedProjects(Endpoint):
    """The deleted projects of an entity."""

    @operation(
        "List the deleted projects of an entity that can be restored",
        {200: shape.DELETED_PROJECT_PAGE},
        query=(search_in("the name"), *LISTING, ordering(DELETED_COLLECTIONS)),
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of projects, each with how many collections come back with it."""
        place = teams.find_entity(self.actor, entity)
        rows = project_trash.deleted(self.actor, entity=place, **words_of(self.http.GET, "q"))
        return self.page(
            rows,
            DELETED_COLLECTIONS,
            lambda found: [shape.deleted_project(row, row.places, self.base_url) for row in found],
            weigh=DESCRIPTION,
        )


class TypeList(Endpoint):
    """The artifact types of a project."""

    @operation(
        "List a project's artifact types",
        {200: shape.TYPE_PAGE},
        query=(search_in("the name"), *LISTING, ordering(TYPES)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of types."""
        place = projects.find(self.actor, entity, project)
        rows = collections.types(self.actor, project=place, **words_of(self.http.GET, "q"))
        return self.page(rows, TYPES, lambda found: [shape.artifact_type(row) for row in found])

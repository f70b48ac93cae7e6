"""Entities, projects, and the artifact types in them."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import PROJECTS, TYPES
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import projects as shape
from registry.services import collections, projects, teams


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
        query=(*LISTING, ordering(PROJECTS)),
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of projects."""
        rows = projects.listing(self.actor, entity=teams.find_entity(self.actor, entity))
        return self.page(rows, PROJECTS, lambda found: [shape.project(row, self.base_url) for row in found])

    @operation("Make a project", {201: shape.PROJECT}, body=shape.NEW_PROJECT)
    def post(self, request: Request, entity: str) -> HttpResponse:
        """Make a project."""
        data = shape.NEW_PROJECT.read(self.http)
        made = projects.create(self.actor, entity=teams.find_entity(self.actor, entity), **data)
        return self.answer(shape.project(made, self.base_url), status=201)


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


class TypeList(Endpoint):
    """The artifact types of a project."""

    @operation("List a project's artifact types", {200: shape.TYPE_PAGE}, query=LISTING, conditional=True)
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of types."""
        rows = collections.types(self.actor, project=projects.find(self.actor, entity, project))
        return self.page(rows, TYPES, lambda found: [shape.artifact_type(row) for row in found])

"""What deletions come to, before they are done."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.schema import operation
from registry.api.serializers import deletions as shape
from registry.services import deletions, projects


class OfVersion(Endpoint):
    """The deletion of a version."""

    @operation("Say what the deletion of a version comes to", {200: shape.DELETION}, errors=(410,))
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer what goes, what stays and what keeps it."""
        found = self.version(entity, project, collection, ref)
        return self.answer(shape.deletion(deletions.of_versions(self.actor, [found])))


class OfCollection(Endpoint):
    """The deletion of a collection."""

    @operation("Say what the deletion of a collection comes to", {200: shape.DELETION})
    def get(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Answer what goes, what stays and what keeps it."""
        found = self.collection(entity, project, collection)
        return self.answer(shape.deletion(deletions.of_collection(self.actor, found)))


class OfProject(Endpoint):
    """The deletion of a project."""

    @operation("Say what the deletion of a project comes to", {200: shape.DELETION})
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer what goes, what stays and what keeps it."""
        found = projects.find(self.actor, entity, project)
        return self.answer(shape.deletion(deletions.of_project(self.actor, found)))

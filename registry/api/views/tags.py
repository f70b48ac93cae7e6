"""Tags of a version."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.schema import operation
from registry.services import tags


class TagDetail(Endpoint):
    """One tag of one version."""

    @operation("Add a tag", {204: None}, errors=(410,))
    def put(
        self, request: Request, entity: str, project: str, collection: str, ref: str, tag: str
    ) -> HttpResponse:
        """Add the tag; having it already is fine."""
        tags.add(self.actor, membership=self.version(entity, project, collection, ref), name=tag)
        return self.nothing()

    @operation("Remove a tag", {204: None}, errors=(410,))
    def delete(
        self, request: Request, entity: str, project: str, collection: str, ref: str, tag: str
    ) -> HttpResponse:
        """Remove the tag."""
        tags.remove(self.actor, membership=self.version(entity, project, collection, ref), name=tag)
        return self.nothing()

"""Deleted versions that can still be restored."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import TRASH
from registry.api.schema import LISTING, operation
from registry.api.serializers import versions as shape
from registry.services import projects, trash


class TrashList(Endpoint):
    """The trash of a project."""

    @operation(
        "List a project's deleted versions, last deleted first",
        {200: shape.VERSION_PAGE},
        query=LISTING,
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of the trash."""
        rows = trash.listing(self.actor, project=projects.find(self.actor, entity, project))
        return self.page(rows, TRASH, lambda found: shape.versions(found, self.base_url))

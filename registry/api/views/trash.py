"""Deleted versions that can still be restored."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import CARDS, TRASH
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import versions as shape
from registry.api.shapes import narrowed_to, search_in, words_of
from registry.services import projects, trash

_FILTERS = (
    search_in("the name of the collection"),
    narrowed_to("type", "of collections of this artifact type"),
)


class TrashList(Endpoint):
    """The trash of a project."""

    @operation(
        "List a project's deleted versions",
        {200: shape.VERSION_PAGE},
        query=(*_FILTERS, *LISTING, ordering(TRASH)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of the trash."""
        place = projects.find(self.actor, entity, project)
        rows = trash.listing(self.actor, project=place, **words_of(self.http.GET, "q", "type"))
        return self.page(rows, TRASH, lambda found: shape.versions(found, self.base_url), weigh=CARDS)

"""What is stored for a team or a person, and who uses it."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import SHARES, VERSION_SHARES
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import storage as shape
from registry.api.shapes import narrowed_to, search_in, words_of
from registry.services import storage_counts, teams, trash

_PROJECT = narrowed_to("project", "of this project")


class EntityStorage(Endpoint):
    """What is stored for a team or a person."""

    @operation("Show what was counted of the stored bytes, and who uses them", {200: shape.STORAGE})
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer the last count; null before the first."""
        place = teams.find_entity(self.actor, entity)
        return self.answer({"count": shape.count(storage_counts.last(self.actor, entity=place))})


class CollectionShares(Endpoint):
    """The stored bytes by collection."""

    @operation(
        "List the collections of a team or a person with the bytes that they use, as last counted",
        {200: shape.COLLECTION_SHARE_PAGE},
        query=(search_in("the name"), _PROJECT, *LISTING, ordering(SHARES)),
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of them."""
        place = teams.find_entity(self.actor, entity)
        given = words_of(self.http.GET, "q", "project")
        return self.page(
            storage_counts.collections(self.actor, entity=place, **given), SHARES, shape.collections
        )


class VersionShares(Endpoint):
    """The stored bytes by version."""

    @operation(
        "List the versions of a team or a person with the bytes that each alone uses, as last counted",
        {200: shape.VERSION_SHARE_PAGE},
        query=(
            search_in("the name of the collection; `name:v3` is one version"),
            _PROJECT,
            *LISTING,
            ordering(VERSION_SHARES),
        ),
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of them."""
        place = teams.find_entity(self.actor, entity)
        given = words_of(self.http.GET, "q", "project")
        rows = storage_counts.versions(self.actor, entity=place, **given).select_related("version")
        slim = rows.defer("version__description", "version__metadata")
        return self.page(slim, VERSION_SHARES, lambda found: shape.versions(trash.places(found)))

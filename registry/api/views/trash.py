"""Deleted versions that can still be restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import CARDS, TRASH
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import storage as storage_shape
from registry.api.serializers import versions as shape
from registry.api.shapes import choice, choice_of, narrowed_to, search_in, words_of
from registry.errors import InvalidInput
from registry.services import projects, teams, trash, versions

_CAUSES = ("person", "expiry")
_FILTERS = (
    search_in("the name of the collection"),
    narrowed_to("type", "of collections of this artifact type"),
)
_CAUSE = choice("cause", "deleted for this cause", *_CAUSES)


def _narrowed(query: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return words_of(query, *names) | choice_of(query, "cause", *_CAUSES)


class TrashList(Endpoint):
    """The trash of a project."""

    @operation(
        "List a project's deleted versions",
        {200: shape.VERSION_PAGE},
        query=(*_FILTERS, _CAUSE, *LISTING, ordering(TRASH)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of the trash."""
        place = projects.find(self.actor, entity, project)
        rows = trash.listing(self.actor, project=place, **_narrowed(self.http.GET, "q", "type"))
        return self.page(
            rows, TRASH, lambda found: shape.versions(found, self.base_url, self.actor), weigh=CARDS
        )


class EntityTrash(Endpoint):
    """The trash of all projects of an entity."""

    @operation(
        "List the deleted versions of a team or a person",
        {200: shape.VERSION_PAGE},
        query=(
            search_in("the name of the collection"),
            narrowed_to("project", "of this project"),
            _CAUSE,
            *LISTING,
            ordering(TRASH),
        ),
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of the trash."""
        place = teams.find_entity(self.actor, entity)
        rows = trash.of_entity(self.actor, entity=place, **_narrowed(self.http.GET, "q", "project"))
        return self.page(
            rows, TRASH, lambda found: shape.versions(found, self.base_url, self.actor), weigh=CARDS
        )


class EntityPurge(Endpoint):
    """Deletion for good, of several versions or of the whole trash."""

    @operation(
        "Delete versions in the trash for good: those of these ids, or all",
        {200: storage_shape.PURGED},
        body=storage_shape.PURGE,
        errors=(409,),
    )
    def post(self, request: Request, entity: str) -> HttpResponse:
        """Purge them."""
        place = teams.find_entity(self.actor, entity)
        data = storage_shape.PURGE.read(self.http)
        if data.get("all", False) == ("versions" in data):
            raise InvalidInput("Name the versions, or say `all`: one of the two. Nothing was deleted.")
        if "versions" not in data:
            gone, kept = trash.purge_all(self.actor, entity=place)
            return self.answer({"purged": gone, "kept": kept})
        ids = [versions.version_pk(each) for each in data["versions"]]
        rows = trash.find_versions(self.actor, entity=place, ids=ids)
        return self.answer({"purged": trash.purge(self.actor, rows=rows), "kept": 0})


class VersionPurge(Endpoint):
    """Deletion for good of one version in the trash."""

    @operation("Delete a version in the trash for good", {204: None}, errors=(409, 410))
    def post(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Purge the version."""
        place = projects.find(self.actor, entity, project)
        found = versions.find_deleted(self.actor, place, collection, ref)
        trash.purge(self.actor, rows=[found])
        return self.nothing()

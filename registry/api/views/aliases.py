"""Aliases of a collection."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import ALIAS_MOVES, ALIASES
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import collections as shape
from registry.api.shapes import Param, moments_of, narrowed_to, search_in, words_of
from registry.services import alias_history, aliases, versions

_TIME = {"type": "string", "format": "date-time"}


class AliasList(Endpoint):
    """The aliases of a collection."""

    @operation(
        "List a collection's aliases",
        {200: shape.ALIAS_PAGE},
        query=(search_in("the alias"), *LISTING, ordering(ALIASES)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Answer a page of aliases."""
        place = self.collection(entity, project, collection)
        rows = aliases.listing(self.actor, collection=place, **words_of(self.http.GET, "q"))
        return self.page(rows, ALIASES, lambda found: [shape.alias(row) for row in found])


class AliasDetail(Endpoint):
    """One alias."""

    @operation(
        "Give a version an alias, taking it from who held it",
        {200: shape.ALIAS},
        body=shape.ALIAS_PLACE,
        errors=(410,),
    )
    def put(self, request: Request, entity: str, project: str, collection: str, alias: str) -> HttpResponse:
        """Move the alias."""
        data = shape.ALIAS_PLACE.read(self.http)
        place = self.collection(entity, project, collection)
        membership = versions.find(self.actor, place, data.pop("version"))
        return self.answer(shape.alias(aliases.move(self.actor, membership=membership, name=alias, **data)))

    @operation(
        "Take an alias away from who holds it",
        {204: None},
        query=(
            Param(
                "reason",
                {"type": "string", "maxLength": 2000},
                "Why an admin of a registry takes a protected one away",
            ),
        ),
    )
    def delete(
        self, request: Request, entity: str, project: str, collection: str, alias: str
    ) -> HttpResponse:
        """Remove the alias."""
        place = self.collection(entity, project, collection)
        why = words_of(self.http.GET, "reason", longest=2000).get("reason", "")
        aliases.remove(self.actor, collection=place, name=alias, reason=why)
        return self.nothing()


class AliasHistory(Endpoint):
    """Who held the aliases of a collection, one after the other."""

    @operation(
        "List what a collection's aliases did, newest first",
        {200: shape.ALIAS_MOVE_PAGE},
        query=(
            narrowed_to("alias", "what this alias did; latest also moves with each version that is logged"),
            Param("since", _TIME, "Only from this time on"),
            Param("until", _TIME, "Only up to this time"),
            *LISTING,
            ordering(ALIAS_MOVES),
        ),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Answer a page of moves."""
        asked = words_of(self.http.GET, "alias") | moments_of(self.http.GET, "since", "until")
        place = self.collection(entity, project, collection)
        rows = alias_history.listing(self.actor, collection=place, **asked)  # type: ignore[arg-type]  # mypy mixes the types: texts and moments, each under its own name
        return self.page(rows, ALIAS_MOVES, lambda found: [shape.alias_move(row) for row in found])

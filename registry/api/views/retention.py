"""The retention of a team, what a policy would delete, and which versions those are."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import EXPIRING
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import retention as shape
from registry.api.shapes import Param, flag_of, moments_of, search_in, words_of
from registry.api.views.policies import Placed
from registry.errors import InvalidQuery
from registry.http import expiring_lines
from registry.models import Collection
from registry.services import confirming, expiring, policies, previews, teams
from registry.services.previews import Plan

_RULES = {
    "inherited_ttl_spares_aliased": "spares_aliased",
    "kept_newest": "kept_newest",
    "ttl_grace_until": "grace_until",
}
_PLAN = (
    Param(
        "ttl",
        {"type": "string", "maxLength": 32},
        "`inherit`, `never` or seconds (what is set when not given)",
    ),
    Param("inherited_ttl_spares_aliased", {"type": "boolean"}, "Whether versions with an alias are kept"),
    Param("kept_newest", {"type": "integer", "minimum": 0, "maximum": 1000}, "How many newest are kept"),
    Param("ttl_grace_until", {"type": "string", "format": "date-time"}, "Before when nothing expires"),
)


class TeamRetention(Endpoint):
    """All that a team settled for its versions."""

    @operation("Show how long a team's versions live, and what keeps them", {200: shape.RETENTION})
    def get(self, request: Request, team: str) -> HttpResponse:
        """Answer the settings."""
        return self._answer(team)

    @operation(
        "Change how long a team's versions live, all at once; `preview` is what a preview gave, to confirm it",
        {200: shape.RETENTION},
        body=shape.CHANGES,
        errors=(409,),
    )
    def put(self, request: Request, team: str) -> HttpResponse:
        """Change what the body names."""
        data = shape.given(shape.CHANGES.read(self.http))
        teams.edit_settings(self.actor, team=teams.find_team(self.actor, team), **data)
        return self._answer(team)

    def _answer(self, name: str) -> HttpResponse:
        team = teams.find_team(self.actor, name)
        return self.answer(shape.retention(team, policies.read(self.actor, target=team.entity).ttl))


class PolicyPreview(Placed):
    """What a policy of the place that the address names would delete."""

    body = shape.PLAN

    @operation("Preview what a policy here would delete, and when", {200: shape.PREVIEW}, body=shape.PLAN)
    def post(self, request: Request, **names: str) -> HttpResponse:
        """Answer the preview; nothing is changed."""
        data = shape.given(self.body.read(self.http))
        rules = {_RULES[name]: value for name, value in data.items() if name in _RULES}
        wanted = previews.plan(self.actor, place=self.place(**names), ttl=data["ttl"], rules=rules)
        shown = confirming.show(wanted)
        places = Collection.objects.select_related("project").in_bulk(list(shown.preview.collections))
        return self.answer(shape.preview(shown, places))


class EntityPreview(PolicyPreview):
    """What a default of a team or a person would delete."""

    body = shape.ENTITY_PLAN

    @operation("Preview what a default would delete, and when", {200: shape.PREVIEW}, body=shape.ENTITY_PLAN)
    def post(self, request: Request, **names: str) -> HttpResponse:
        """Answer the preview; nothing is changed."""
        return super().post(request, **names)


class EntityExpiring(Endpoint):
    """The versions that a default of a team or a person would let expire."""

    @operation(
        "List the versions that a default would let expire",
        {200: shape.EXPIRING_PAGE},
        query=(*_PLAN, search_in("the name of the collection"), *LISTING, ordering(EXPIRING)),
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of them."""
        wanted = _asked(self, entity)
        rows = previews.listing(wanted, **words_of(self.http.GET, "q")).for_listing().without_cards()
        return self.page(rows, EXPIRING, lambda found: shape.expiring(found, expiring.dues(wanted, found)))


class EntityExpiringFile(Endpoint):
    """The same as a file."""

    @operation(
        "The versions that a default would let expire, as CSV",
        {200: {"type": "string"}},
        query=(*_PLAN, search_in("the name of the collection")),
        content_type="text/csv",
    )
    def get(self, request: Request, entity: str) -> HttpResponseBase:
        """Stream the file."""
        wanted = _asked(self, entity)
        rows = previews.listing(wanted, **words_of(self.http.GET, "q"))
        response = StreamingHttpResponse(
            expiring_lines.expiring(wanted, rows), content_type="text/csv; charset=utf-8"
        )
        response["Cache-Control"] = "private, no-store"
        return response


def _asked(endpoint: Endpoint, entity: str) -> Plan:
    """Read the plan of the query; what is not given is as it is set."""
    query, place = endpoint.http.GET, teams.find_entity(endpoint.actor, entity)
    rules: dict[str, Any] = {}
    if "inherited_ttl_spares_aliased" in query:
        rules["spares_aliased"] = flag_of(query, "inherited_ttl_spares_aliased")
    if "kept_newest" in query:
        rules["kept_newest"] = _number(query["kept_newest"], "kept_newest")
    if "ttl_grace_until" in query:
        rules["grace_until"] = moments_of(query, "ttl_grace_until").get("ttl_grace_until")
    ttl = query.get("ttl") or policies.read(endpoint.actor, target=place).ttl
    if isinstance(ttl, str) and ttl not in ("inherit", "never"):
        ttl = _number(ttl, "ttl")
    return previews.plan(endpoint.actor, place=place, ttl=ttl, rules=rules)


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidQuery(f"{name} must be a whole number.", field=name)
    return int(text)


class ProjectPreview(PolicyPreview):
    """What a policy of a project would delete."""


class CollectionPreview(PolicyPreview):
    """What a policy of a collection would delete."""

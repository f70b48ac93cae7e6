"""The view that every REST endpoint is: DRF's, without what each request would pay for and none uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView
from strongroom.core.errors import InvalidQuery, NotAuthenticated, NotFound

from registry.actor import Actor
from registry.api import problems
from registry.api.authentication import BrowserAuthentication, KeyAuthentication
from registry.api.schema import Described
from registry.http import conditional, paging
from registry.models import Collection, Membership, Project, Run, User
from registry.services import collections, projects, runs, versions

Represent = Callable[[Sequence[Any]], list[dict[str, Any]]]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Endpoint(APIView):
    """Who asks is `self.actor`; answers are plain dicts; every failure becomes the one error body."""

    authentication_classes = [KeyAuthentication, BrowserAuthentication]
    permission_classes = []  # policy.check in the services is the one judge
    renderer_classes = [JSONRenderer]
    content_negotiation_class = BaseContentNegotiation
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    schema = Described()
    public = False
    actor: Actor
    http: HttpRequest

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who asks, and refuse text that no database takes; there is only JSON to negotiate."""
        self.http = request._request
        _refuse_nul(kwargs, self.http.GET)
        request.user  # noqa: B018  # runs the authentication classes
        self.actor = request.auth or self.http.actor  # type: ignore[assignment,attr-defined]

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], HttpResponse]:
        """Answer errors our way, whatever the settings say."""
        return problems.handle

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Pass answers through: they are whole already."""
        if not isinstance(response, HttpResponseBase):
            raise TypeError(f"{type(self).__name__} answered {type(response).__name__}, not a response.")
        return response

    def answer(self, data: Any, status: int = 200) -> HttpResponse:
        """Answer JSON, for nobody else's cache."""
        response = HttpResponse(_encode(data), status=status, content_type="application/json")
        response["Cache-Control"] = "private, no-store"
        return response

    def nothing(self) -> HttpResponse:
        """Answer 204."""
        response = HttpResponse(status=204)
        del response["Content-Type"]
        return response

    def page(
        self,
        rows: paging.Rows[Any],
        orders: Mapping[str, paging.Order],
        represent: Represent,
        load: Callable[[QuerySet[Any]], list[Any]] = list,
        weigh: Sequence[str] = (),
        by_id: Callable[[list[int]], list[Any]] | None = None,
    ) -> HttpResponse:
        """Answer one page of a list, or 304 when who asks has that very page."""
        found = self.part(rows, orders, represent, load, weigh=weigh, by_id=by_id)
        return conditional.unless_known(self.http, self.answer(found))

    def part(
        self,
        rows: paging.Rows[Any],
        orders: Mapping[str, paging.Order],
        represent: Represent,
        load: Callable[[QuerySet[Any]], list[Any]] = list,
        *,
        query: Mapping[str, Any] | None = None,
        weigh: Sequence[str] = (),
        by_id: Callable[[list[int]], list[Any]] | None = None,
    ) -> dict[str, Any]:
        """Read one page of a list, as `query` (the request's, when not given) asks for it."""
        found = paging.page(rows, self.http.GET if query is None else query, orders, load, weigh, by_id)
        return {"results": represent(found.rows), "next": found.next}

    @property
    def user(self) -> User:
        """Who asks, where the guard lets nobody else in."""
        if self.actor.user is None:
            raise NotAuthenticated("Sign in, or send an API key as `Authorization: Bearer KEY`.")
        return self.actor.user

    def collection(self, entity: str, project: str, name: str) -> Collection:
        """Find the collection that the address names."""
        return collections.find(self.actor, projects.find(self.actor, entity, project), name)

    def version(self, entity: str, project: str, collection: str, ref: str) -> Membership:
        """Find the version that the address names."""
        return versions.find(self.actor, self.collection(entity, project, collection), ref)

    def run(self, entity: str, project: str, name: str) -> Run:
        """Find the run that the address names."""
        return runs.find(self.actor, projects.find(self.actor, entity, project), name)

    def with_run(self, project: Project, data: dict[str, Any]) -> dict[str, Any]:
        """Put the run in place of its name, in what logging a version was given."""
        name = data.get("run")
        return {**data, "run": None if name is None else runs.find(self.actor, project, name)}

    @property
    def base_url(self) -> str:
        """Where people reach this installation."""
        return getattr(settings, "PUBLIC_URL", "") or f"{self.http.scheme}://{self.http.get_host()}"


def _refuse_nul(kwargs: Mapping[str, Any], query: Mapping[str, Any]) -> None:
    """PostgreSQL refuses NUL in any text; say so before it does."""
    if any(isinstance(value, str) and "\0" in value for value in kwargs.values()):
        raise NotFound("There is nothing here: no name has a NUL character.")
    for name, value in query.items():
        if "\0" in value or "\0" in name:
            raise InvalidQuery(
                "The query has a NUL character; no name or filter has one.", field=name.strip("\0")
            )

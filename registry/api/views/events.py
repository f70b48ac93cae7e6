"""What happened: everywhere, in a team, a project, to a collection, a version; the audit log as a file."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import EVENTS
from registry.api.schema import LISTING, NDJSON, operation, ordering
from registry.api.serializers import events as shape
from registry.api.shapes import Param, choice, choice_of, moments_of, narrowed_to, words_of
from registry.http import event_lines
from registry.models import Entity, Project
from registry.services import audit, projects, teams
from registry.services.audit import Rows

_TIME = {"type": "string", "format": "date-time"}
_FILTERS = (
    narrowed_to("act", "this act, such as alias.move"),
    narrowed_to("actor", "what this person did"),
    Param("since", _TIME, "Only from this time on"),
    Param("until", _TIME, "Only up to this time"),
)
_PLACES = (
    narrowed_to("collection", "what happened to collections of this name, deleted ones, too"),
    narrowed_to("version", "what happened to this version of the collection, such as v3"),
)
_PAGES = (*LISTING, ordering(EVENTS))
_LIST = (*_FILTERS, *_PAGES)
_DOORS = ("web", "api", "wandb", "worker", "command")
_LOG = (
    *_FILTERS,
    choice("door", "what came in by this door", *_DOORS),
    narrowed_to("key", "what was done with the API key that begins like this"),
    narrowed_to("project", "what happened in the project of this name"),
    narrowed_to("collection", "what happened to collections of this name, deleted ones, too"),
)
_EVERYWHERE = (*_LOG, narrowed_to("entity", "what happened in this team, organization or person's own space"))
_KIND = Param("format", {"type": "string", "enum": list(event_lines.KINDS)}, "csv, or jsonl when not given")
_FILE: dict[str, Any] = {"content_type": NDJSON, "other_types": {"text/csv": {"type": "string"}}}


class Events(Endpoint):
    """What the lists of events share."""

    def filters(self) -> dict[str, Any]:
        """Read what the list is narrowed to."""
        words = words_of(self.http.GET, "act", "actor")
        if "actor" in words:
            words["by"] = words.pop("actor")
        return {**words, **moments_of(self.http.GET, "since", "until")}

    def told(self, rows: Rows, place: Project | Entity | None) -> HttpResponse:
        """Answer a page of events; addresses and keys only to who may audit the place."""
        origin = audit.shows_origin(self.actor, place)
        return self.page(rows, EVENTS, lambda found: event_lines.records(found, origin=origin))

    def log_filters(self, *names: str) -> dict[str, Any]:
        """Read what the audit log is narrowed to."""
        words = words_of(self.http.GET, "key", "project", "collection", *names)
        return self.filters() | words | choice_of(self.http.GET, "door", *_DOORS)

    def file(self, rows: Rows, name: str) -> HttpResponseBase:
        """Answer all of a list, written while it is read."""
        kind = choice_of(self.http.GET, "format", *event_lines.KINDS).get("format", "jsonl")
        return event_lines.download(self.http, rows, name, kind)


class EventList(Events):
    """The events of a project."""

    @operation(
        "List a project's events, newest first",
        {200: shape.EVENT_PAGE},
        query=(*_PLACES, *_LIST),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of events."""
        place = projects.find(self.actor, entity, project)
        narrowed = words_of(self.http.GET, "collection", "version") | self.filters()
        return self.told(audit.of_project(self.actor, place, **narrowed), place)


class EntityEvents(Events):
    """The audit log of a team, an organization or a person's own space."""

    @operation(
        "List every act in a team, an organization or a person's own space, and in its projects, newest first",
        {200: shape.EVENT_PAGE},
        query=(*_LOG, *_PAGES),
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of events."""
        place = teams.find_entity(self.actor, entity)
        return self.told(audit.of_entity(self.actor, place, **self.log_filters()), place)


class EntityExport(Events):
    """The same as a file."""

    @operation(
        "Get the same as a file, however long it is", {200: shape.EVENT}, query=(*_LOG, _KIND), **_FILE
    )
    def get(self, request: Request, entity: str) -> HttpResponseBase:
        """Answer all events."""
        place = teams.find_entity(self.actor, entity)
        return self.file(audit.of_entity(self.actor, place, **self.log_filters()), place.name)


class EveryEvent(Events):
    """The audit log of the installation."""

    @operation(
        "List every act in this installation, newest first; for its admins",
        {200: shape.EVENT_PAGE},
        query=(*_EVERYWHERE, *_PAGES),
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of events."""
        return self.told(audit.everywhere(self.actor, **self.log_filters("entity")), None)


class EveryEventExport(Events):
    """The same as a file."""

    @operation(
        "Get the same as a file, however long it is", {200: shape.EVENT}, query=(*_EVERYWHERE, _KIND), **_FILE
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer all events."""
        return self.file(audit.everywhere(self.actor, **self.log_filters("entity")), "installation")


class CollectionEvents(Events):
    """The events of a collection and its versions."""

    @operation(
        "List what happened to a collection and its versions, newest first",
        {200: shape.EVENT_PAGE},
        query=_LIST,
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str) -> HttpResponse:
        """Answer a page of events."""
        place = self.collection(entity, project, collection)
        return self.told(audit.of_collection(self.actor, place, **self.filters()), place.project)


class VersionEvents(Events):
    """The events of a version."""

    @operation(
        "List what happened to a version, newest first: also that another took an alias from it",
        {200: shape.EVENT_PAGE},
        query=_LIST,
        conditional=True,
        errors=(410,),
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer a page of events."""
        found = self.version(entity, project, collection, ref)
        rows = audit.of_version(self.actor, found, **self.filters())
        return self.told(rows, found.collection.project)

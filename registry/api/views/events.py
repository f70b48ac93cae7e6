"""What happened: in a project, to a team or person, a collection, a version."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import EVENTS
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import events as shape
from registry.api.shapes import Param, moments_of, narrowed_to, words_of
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
_LIST = (*_FILTERS, *LISTING, ordering(EVENTS))


class Events(Endpoint):
    """What the lists of events share."""

    def filters(self) -> dict[str, Any]:
        """Read what the list is narrowed to."""
        words = words_of(self.http.GET, "act", "actor")
        if "actor" in words:
            words["by"] = words.pop("actor")
        return {**words, **moments_of(self.http.GET, "since", "until")}

    def told(self, rows: Rows, place: Project | Entity) -> HttpResponse:
        """Answer a page of events; addresses and keys only to who may audit the place."""
        origin = audit.shows_origin(self.actor, place)
        return self.page(rows, EVENTS, lambda found: shape.events(found, origin=origin))


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
    """The events of a team or person: members, keys, passwords, settings."""

    @operation(
        "List what happened to a team or person, newest first; their projects have events of their own",
        {200: shape.EVENT_PAGE},
        query=_LIST,
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of events."""
        place = teams.find_entity(self.actor, entity)
        return self.told(audit.of_entity(self.actor, place, **self.filters()), place)


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

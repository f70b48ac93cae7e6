"""What happened: in a project, to a team or person."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import EVENTS
from registry.api.schema import LISTING, operation
from registry.api.serializers import events as shape
from registry.services import events, projects, teams


class EventList(Endpoint):
    """The events of a project."""

    @operation(
        "List a project's events, newest first", {200: shape.EVENT_PAGE}, query=LISTING, conditional=True
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of events."""
        rows = events.of_project(self.actor, projects.find(self.actor, entity, project))
        return self.page(rows, EVENTS, lambda found: [shape.event(row) for row in found])


class EntityEvents(Endpoint):
    """The events of a team or person: members, keys, passwords, settings."""

    @operation(
        "List what happened to a team or person, newest first; their projects have events of their own",
        {200: shape.EVENT_PAGE},
        query=LISTING,
        conditional=True,
    )
    def get(self, request: Request, entity: str) -> HttpResponse:
        """Answer a page of events."""
        rows = events.of_entity(self.actor, teams.find_entity(self.actor, entity))
        return self.page(rows, EVENTS, lambda found: [shape.event(row) for row in found])

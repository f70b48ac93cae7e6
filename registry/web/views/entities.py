"""Teams and persons: their projects, their settings, what happened to them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.models import Entity
from registry.policy import Act, can, check
from registry.services import audit, holdings, projects, teams
from registry.web import feeds, orders, searches
from registry.web.forms import events
from registry.web.pager import paged
from registry.web.pages import page, show


def frame(actor: Actor, entity: Entity, tab: str) -> dict[str, Any]:
    """What every page of a team or person shows."""
    return {
        "entity": entity,
        "tab": tab,
        "may_create": projects.may_create_in(actor, entity),
        "may_set": can(actor, Act.SET_POLICY, entity),
    }


@page()
def detail(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """The projects of a person or a team."""
    found = teams.find_entity(actor, entity)
    asked, _ = searches.of(request)
    listed = projects.listing(actor, entity=found, **asked.given())
    pager = paged(request, listed, orders.PROJECTS, by_time=False)
    return show(
        request, "teams/entity.html", frame(actor, found, "projects") | {"pager": pager, "asked": asked}
    )


@page()
def activity(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """What happened to members, keys, passwords and settings, newest first."""
    found = teams.find_entity(actor, entity)
    form = events.asked(request, events.OF_ENTITY)
    context = frame(actor, found, "activity") | feeds.listing(
        request, actor, form, lambda **given: audit.of_entity(actor, found, **given), origin=True
    )
    return show(request, "teams/activity.html", context, status=400 if form.errors else 200)


@page()
def storage(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """What the projects of a person or a team hold, and what the store keeps for them."""
    found = teams.find_entity(actor, entity)
    asked, _ = searches.of(request)
    listed = holdings.of_projects(actor, entity=found, **asked.given())
    context = frame(actor, found, "storage") | {"asked": asked, "stored": holdings.stored(actor, found)}
    context["pager"] = paged(request, listed, orders.PROJECT_HOLDINGS, by_time=False)
    return show(request, "teams/storage.html", context)


@page()
def settings(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """The settings begin with retention."""
    found = teams.find_entity(actor, entity)
    check(actor, Act.SET_POLICY, found)
    return redirect("teams:retention", entity=found.name)

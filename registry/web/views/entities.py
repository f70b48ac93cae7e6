"""Teams and persons: their projects, their settings, what they hold."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.models import Entity
from registry.policy import Act, can, check
from registry.services import projects, quotas, teams
from registry.web import orders, searches
from registry.web.pager import paged
from registry.web.pages import page, show


def frame(actor: Actor, entity: Entity, tab: str) -> dict[str, Any]:
    """What every page of a team or person shows."""
    return {
        "entity": entity,
        "tab": tab,
        "may_create": projects.may_create_in(actor, entity),
        "may_set": can(actor, Act.SET_POLICY, entity),
        "warned": quotas.warning(entity),
    }


@page()
def detail(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """The projects of a person or a team."""
    found = teams.find_entity(actor, entity)
    asked, _ = searches.of(request)
    listed = projects.listing(actor, entity=found, **asked.given())
    pager = paged(request, listed, orders.PROJECTS, by_time=False)
    context = frame(actor, found, "projects") | {"pager": pager, "asked": asked}
    # Who has no role in it sees what is open to the organization, and must not take that for all there is.
    context["sees_all"] = can(actor, Act.DOWNLOAD, found)
    return show(request, "teams/entity.html", context)


@page()
def settings(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """The settings begin with retention."""
    found = teams.find_entity(actor, entity)
    check(actor, Act.SET_POLICY, found)
    return redirect("teams:retention", entity=found.name)

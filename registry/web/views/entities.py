"""Teams and persons: their projects, their settings, what they hold."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.models import Entity
from registry.policy import Act, can, check
from registry.services import policies, projects, quotas, retention, teams
from registry.web import orders, searches
from registry.web.forms.policies import DefaultForm, TeamSettingsForm
from registry.web.pager import paged
from registry.web.pages import done, page, show


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


@page("GET", "POST")
def settings(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """How long versions live by default; for a team, also who may say otherwise."""
    found = teams.find_entity(actor, entity)
    check(actor, Act.SET_POLICY, found)
    form = _form(request, actor, found)
    if request.method == "POST" and form.act(_save, actor, found):
        return done(request, "The settings are saved.", request.path)
    context = frame(actor, found, "settings") | {"form": form}
    return show(request, "teams/settings.html", context, status=form.status)


def _form(request: HttpRequest, actor: Actor, entity: Entity) -> DefaultForm:
    now = policies.read(actor, target=entity).ttl
    data = request.POST if request.method == "POST" else None
    if entity.kind != Entity.Kind.TEAM:
        return DefaultForm(data, now=now)
    rules = ("ttl_editors", "inherited_ttl_spares_aliased")
    return TeamSettingsForm(data, now=now, initial={name: getattr(entity.team, name) for name in rules})


def _save(actor: Actor, entity: Entity, **given: Any) -> None:
    if entity.kind == Entity.Kind.TEAM:
        teams.edit_settings(actor, team=entity.team, **given)
    else:
        retention.set_policy(actor, target=entity, **given)

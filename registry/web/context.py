"""What the frame of every page shows: where one is, one's projects and teams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from registry.http.who import actor_of
from registry.models import Entity, Project, Role
from registry.services import alarms, inbox, projects, registries, teams
from registry.services.alarms import Alarm
from registry.services.inbox import Counts

_SHOWN = 8
_ON = {
    "home": "home",
    "inbox:notices": "inbox",
    "inbox:reviews": "inbox",
    "inbox:mine": "inbox",
    "promotions:everywhere": "promotions",
    "entities:detail": "entity",
    "teams:settings": "settings",
    "teams:audit": "audit",
    "teams:retention": "settings",
    "teams:members": "members",
    **dict.fromkeys(
        (
            "teams:storage",
            "teams:storage-collections",
            "teams:storage-versions",
            "teams:storage-freed",
            "teams:trash",
            "teams:trash-selected",
            "teams:trash-empty",
            "teams:trash-period",
        ),
        "storage",
    ),
    "registries:list": "registries",
    "registries:of-organization": "registries",
    "registries:create": "registries",
    "keys:list": "keys",
    "profile": "profile",
    "installation:people": "installation",
    "installation:person": "installation",
    "installation:password-link": "installation",
    "installation:organizations": "installation",
    "installation:storage": "installation",
    "installation:quota": "installation",
    "installation:jobs": "installation",
    "installation:noted": "installation",
    "installation:audit": "installation",
    "api:docs": "docs",
}


@dataclass(slots=True)
class Nav:
    """The sidebar, by five queries at most, whatever the number of projects."""

    entity: Entity | None = None
    role: str = ""
    may_set: bool = False
    projects: list[Project] = field(default_factory=list)
    registries: list[Project] = field(default_factory=list)
    others: list[Entity] = field(default_factory=list)
    project_name: str = ""
    on: str = ""
    alarm: Alarm | None = None
    counts: Counts | None = None


def shell(request: HttpRequest) -> dict[str, Any]:
    """Offer `nav` to templates; it is made when a page first reads it, so fragments don't pay."""
    return {"nav": SimpleLazyObject(lambda: _nav(request))}


def _nav(request: HttpRequest) -> Nav:
    actor = actor_of(request, door="web")
    if actor.user is None:
        return Nav()
    match = request.resolver_match
    kwargs = match.kwargs if match else {}
    held = teams.entities_of(actor)
    named = str(kwargs.get("entity", ""))
    here = _current(held, named)
    # On a page of others the sidebar goes on showing one's own: nothing in it is where one is.
    elsewhere = bool(named) and here[0].folded != named.casefold()
    return Nav(
        entity=here[0],
        role=_role(here, actor.user.is_admin),
        may_set=actor.user.is_admin or here[1] is Role.ADMIN,
        projects=projects.newest(actor, here[0]),
        registries=registries.at_hand(actor),
        others=[entity for entity, _ in held[1:] if entity != here[0]][:_SHOWN],
        project_name="" if elsewhere else str(kwargs.get("project", "")),
        on=_ON.get(match.view_name, "") if match and not elsewhere else "",
        alarm=alarms.current(actor),
        counts=inbox.counts(actor.user),
    )


def _current(held: list[tuple[Entity, Role]], name: str) -> tuple[Entity, Role]:
    """The entity of the page when one belongs to it, else one's first team, else oneself."""
    for entity, role in held:
        if entity.folded == name.casefold():
            return entity, role
    return held[1] if len(held) > 1 else held[0]


def _role(here: tuple[Entity, Role], is_admin: bool) -> str:
    if is_admin:
        return "Admin of this installation"
    entity, role = here
    return f"Team {role.value}" if entity.kind == Entity.Kind.TEAM else "Your own projects"

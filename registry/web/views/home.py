"""Home: what changed in my projects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.models import Project
from registry.services import accounts, audit, drifts, notices, projects, promotions, references, stars
from registry.web import gathered, orders, told
from registry.web.pager import paged
from registry.web.pages import page, show
from registry.web.views.projects import first_steps

_PROJECTS, _EVENTS = 12, 50
_STARRED = 20
# What the address calls them, and the page.
_WHOSE = {audit.TEAM: "Team", audit.STARRED: "Starred", audit.MINE: "Mine"}
_SOON = 5
_FIRST_PROJECT = "first-project"
_HOME_SINCE = "home-since"


@page()
def home(request: HttpRequest, actor: Actor) -> HttpResponse:
    """My projects, and what happened since I was here."""
    mine = list(projects.listing(actor).order_by("-updated_at", "-pk")[:_PROJECTS])
    context = {"projects": mine, "starred": stars.listing(actor, limit=_STARRED), **_feed(request, actor)}
    context["pending"] = references.made(actor, limit=_SOON)
    context["soon"] = notices.of_person(actor, limit=_SOON)
    context["reviews"] = promotions.waiting_for(actor.user).for_listing()[:_SOON] if actor.user else []
    context["drifted"] = drifts.of_person(actor, limit=_SOON)
    context |= {} if mine else _first_visit(request, actor)
    return show(request, "home/home.html", context)


def _feed(request: HttpRequest, actor: Actor) -> dict[str, Any]:
    """What others did, or the person, a page at a time; and what of it is new."""
    asked, since = request.GET.get("whose", ""), _since(request, actor)
    whose = asked if asked in _WHOSE else audit.TEAM
    since = None if whose == audit.MINE else since
    rows = audit.recent(actor, whose=whose, downloads=False)
    pager = paged(request, rows, orders.EVENTS, limit=_EVENTS)
    lines = gathered.gather(told.tell(actor, pager.rows), since)
    fresh, earlier = gathered.apart(lines, since)
    feed = {"pager": pager, "fresh": fresh, "earlier": earlier, "since": since}
    return feed | {"whose": whose, "all_whose": _WHOSE}


def _since(request: HttpRequest, actor: Actor) -> datetime | None:
    """Since when the person was not here; kept for the session, so that a reload does not hide what is new."""
    assert actor.user is not None
    before = accounts.come_home(actor.user)
    if before is not None:
        request.session[_HOME_SINCE] = before.isoformat()
    kept = request.session.get(_HOME_SINCE)
    return datetime.fromisoformat(kept) if kept else None


def _first_visit(request: HttpRequest, actor: Actor) -> dict[str, Any]:
    """How to begin: the first run makes its project."""
    assert actor.user is not None
    return first_steps(request, Project(entity=actor.user.entity, name=_FIRST_PROJECT))

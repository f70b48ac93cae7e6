"""Home: what changed in my projects."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.models import Project
from registry.services import accounts, audit, notices, projects, stars
from registry.web import told
from registry.web.pages import page, show
from registry.web.views.projects import first_steps

_PROJECTS, _EVENTS = 12, 20
_STARRED = 20
_SOON = 5
_FIRST_PROJECT = "first-project"
_HOME_SINCE = "home-since"


@page()
def home(request: HttpRequest, actor: Actor) -> HttpResponse:
    """My projects and what happened in them."""
    mine = list(projects.listing(actor).order_by("-updated_at", "-pk")[:_PROJECTS])
    recent = told.tell(actor, list(audit.recent(actor, downloads=False)[:_EVENTS]))
    context = {"projects": mine, "stories": recent, "since": _since(request, actor)}
    context |= {
        "starred": stars.listing(actor, limit=_STARRED),
        "soon": notices.of_person(actor, limit=_SOON),
    }
    context |= {} if mine else _first_visit(request, actor)
    return show(request, "home/home.html", context)


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

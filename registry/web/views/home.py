"""Home: what changed in my projects; and the jump box."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.errors import InvalidInput, NotFound
from registry.services import audit, projects, versions
from registry.services import search as searching
from registry.web import told
from registry.web.pages import page, show

_PROJECTS, _EVENTS, _HITS = 12, 20, 25


@page()
def home(request: HttpRequest, actor: Actor) -> HttpResponse:
    """My projects and what happened in them."""
    mine = list(projects.listing(actor).order_by("-updated_at", "-pk")[:_PROJECTS])
    recent = told.tell(actor, list(audit.recent(actor)[:_EVENTS]))
    return show(request, "home/home.html", {"projects": mine, "stories": recent})


@page()
def search(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Jump to a version by its full name, else list what has the words in its name."""
    q = request.GET.get("q", "").strip()[:256]
    if q.count("/") == 2:
        try:
            return redirect(versions.lookup(actor, q))
        except (NotFound, InvalidInput):
            # Not a name of something that is there: then it is words to look for.
            pass
    found = searching.by_name(actor, q, limit=_HITS) if q else None
    return show(request, "home/search.html", {"q": q, "found": found})

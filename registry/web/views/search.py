"""Search over everything that one may see, and the jump box above the navigation."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.errors import InvalidInput, NotFound
from registry.services import runs, search, versions
from registry.web import hits, orders, pager
from registry.web.pages import page, show

_LONGEST = 256
_FIRST, _OFFERED = 10, 5
# What is found while one types: names only, each by an index or a short column.
_JUMPS = ("versions", "projects", "collections")
_ORDERS = {
    "versions": orders.LAST_FIRST, "projects": orders.PROJECTS, "collections": orders.LAST_FIRST,
    "cards": orders.LAST_FIRST, "contents": orders.LAST_FIRST,
}  # fmt: skip


@page()
def everything(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Jump to a version by its full name, else show what each kind of search finds first, or one kind by pages."""
    q = request.GET.get("q", "").strip()[:_LONGEST]
    if q.count("/") == 2:
        try:
            return redirect(versions.lookup(actor, q))
        except (NotFound, InvalidInput):
            # Not a name of something that is there: then it is words to look for.
            pass
    kind = request.GET.get("in", "")
    context: dict[str, Any] = {"q": q, "kind": kind if kind in search.KINDS else "", "kinds": hits.KINDS}
    if q and context["kind"]:
        context["pager"] = pager.paged(request, search.listing(actor, kind, q), _ORDERS[kind])
        return show(request, "home/search.html", context | {"hits": hits.of(kind, context["pager"].rows, q)})
    if (meant := search.exact(actor, q)) is not None:
        return redirect(meant)
    found = search.first(actor, q, limit=_FIRST) if q else None
    parts = [(part, hits.of(part.kind, part.rows, q)) for part in found.parts] if found else []
    context["runs"] = hits.of_runs(runs.called(actor, q, _FIRST)) if q else []
    return show(request, "home/search.html", context | {"parts": parts})


@page()
def complete(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Offer the first projects, collections and versions that what is typed names, to go there at once."""
    q = request.GET.get("q", "").strip()[:_LONGEST]
    parts = search.first(actor, q, limit=_OFFERED, kinds=_JUMPS).parts if q else []
    found = list(chain.from_iterable(hits.of(part.kind, part.rows, q) for part in parts))
    found += hits.of_runs(runs.called(actor, q, _OFFERED)) if q else []
    return show(request, "home/jump.html", {"q": q, "hits": found}, fragment="home/_jump.html")

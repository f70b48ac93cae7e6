"""What is stored for a team or a person: who uses it, how it grew, what was freed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from registry.actor import Actor
from registry.models import Entity
from registry.policy import Act, can
from registry.services import holdings, project_trash, quotas, recounting, storage_counts, teams, trash
from registry.web import meters, orders, searches, told
from registry.web.pager import paged
from registry.web.pages import done, is_fragment, page, show

_SHOWN = 6
_COUNTED = 1000


def frame(actor: Actor, entity: Entity, tab: str) -> dict[str, Any]:
    """What every page of the storage shows."""
    return {
        "entity": entity,
        "tab": tab,
        "may_set": can(actor, Act.SET_POLICY, entity),
        "warned": quotas.warning(entity),
        "may_purge": can(actor, Act.PURGE, entity),
        "trashed": _in_trash(actor, entity),
        "counted_to": _COUNTED,
    }


def _in_trash(actor: Actor, entity: Entity) -> int:
    """Count what the page of the trash lists; no more than it says: "1,000+" is enough of a number."""
    versions = trash.of_entity(actor, entity=entity).order_by()[: _COUNTED + 1].count()
    if not can(actor, Act.DELETE_PROJECT, entity):
        return versions
    return versions + project_trash.deleted(actor, entity=entity).count()


@page("GET", "POST")
def overview(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """What is stored and who uses it; admins have it counted again."""
    found = teams.find_entity(actor, entity)
    if request.method == "POST":
        counted = recounting.begin(actor, entity=found)
        return done(request, "It is counted again." if counted else "Counting has begun.", request.path)
    asked, _ = searches.of(request)
    listed = holdings.of_projects(actor, entity=found, **asked.given())
    pager = paged(request, listed, orders.PROJECT_HOLDINGS, by_time=False)
    context = frame(actor, found, "overview") | _figures(actor, found) | {"asked": asked, "pager": pager}
    context |= {"limits": quotas.limits(found), "counting": recounting.progress(actor, entity=found)}
    return show(request, "storage/overview.html", context)


@page()
def counting(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """How far a count that somebody asked for is; the page of the storage is read anew when it is done."""
    found = teams.find_entity(actor, entity)
    percent = recounting.progress(actor, entity=found)
    if not is_fragment(request):
        return redirect("teams:storage", found.name)
    if percent is None:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "storage/_counting.html", {"entity": found, "counting": percent})


def _figures(actor: Actor, entity: Entity) -> dict[str, Any]:
    count = storage_counts.last(actor, entity=entity)
    if count is None:
        return {"count": None, "stored": holdings.stored(actor, entity)}
    shares = storage_counts.versions(actor, entity=entity)
    return {
        "count": count,
        "meter": meters.meter(count),
        "growth": meters.growth(storage_counts.history(actor, entity=entity)),
        "collections": storage_counts.collections(actor, entity=entity).order_by("-stored", "-pk")[:_SHOWN],
        "largest": trash.places(shares.order_by("-alone", "-version")[:_SHOWN]),
        "idlest": trash.places(shares.order_by("idle_since", "version")[:_SHOWN]),
    }


@page()
def by_collection(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """What each collection reaches, and what it alone does."""
    found = teams.find_entity(actor, entity)
    asked, _ = searches.of(request)
    listed = storage_counts.collections(actor, entity=found, **asked.given())
    context = frame(actor, found, "collections") | {"asked": asked}
    context["count"] = storage_counts.last(actor, entity=found)
    context["pager"] = paged(request, listed, orders.SHARES, by_time=False)
    return show(request, "storage/collections.html", context)


@page()
def by_version(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """What each version alone uses, and since when nobody used it."""
    found = teams.find_entity(actor, entity)
    asked, _ = searches.of(request)
    listed = storage_counts.versions(actor, entity=found, **asked.given()).select_related("version")
    context = frame(actor, found, "versions") | {"asked": asked}
    context["count"] = storage_counts.last(actor, entity=found)
    slim = listed.defer("version__description", "version__metadata")
    context["pager"] = paged(request, slim, orders.VERSION_SHARES, by_time=False)
    context["found"] = trash.places(context["pager"].rows)
    return show(request, "storage/versions.html", context)


@page()
def freed(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """What was deleted for good, and what came back by it."""
    found = teams.find_entity(actor, entity)
    pager = paged(request, storage_counts.freed(actor, entity=found), orders.EVENTS)
    context = frame(actor, found, "freed") | {"pager": pager, "stories": told.tell(actor, pager.rows)}
    return show(request, "storage/freed.html", context)

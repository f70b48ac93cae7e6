"""What happened: in a project, to a collection, to its aliases."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.services import aliases, audit
from registry.web import as_of, feeds, moves
from registry.web.forms import events
from registry.web.pages import page, show
from registry.web.views import collections, projects

# Aliases that a filter offers.
_ALIASES = 200


@page()
def of_project(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Every act in a project, newest first; downloads only when they are asked for."""
    context = projects.frame(actor, entity, project, "activity")
    here, downloads = context["project"], "downloads" in request.GET
    form = events.asked(request, events.OF_PROJECT)
    context |= {"downloads": downloads} | feeds.listing(
        request,
        actor,
        form,
        lambda **given: audit.of_project(actor, here, downloads=downloads, **given),
        origin=audit.shows_origin(actor, here),
    )
    return show(request, "events/project.html", context, status=400 if form.errors else 200)


@page()
def of_collection(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str
) -> HttpResponse:
    """Every act on a collection and its versions, newest first."""
    here = collections.found(actor, entity, project, collection)
    form = events.asked(request, events.OF_COLLECTION)
    told_of = feeds.listing(
        request,
        actor,
        form,
        lambda **given: audit.of_collection(actor, here, **given),
        origin=audit.shows_origin(actor, here.project),
    )
    context = collections.frame(actor, here, "activity") | told_of
    return show(request, "events/collection.html", context, status=400 if form.errors else 200)


@page()
def of_aliases(request: HttpRequest, actor: Actor, **place: str) -> HttpResponse:
    """Which alias went from which version to which, when, who moved it and why; newest first, and drawn."""
    here = collections.found(actor, **place)
    form = events.asked(request, (), has_alias=True)
    origin = audit.shows_origin(actor, here.project)
    told_of = feeds.listing(
        request, actor, form, lambda **given: audit.of_aliases(actor, here, **given), origin=origin
    )
    name, present = (
        aliases.spelled(form.alias_asked()),
        list(aliases.listing(actor, collection=here)[:_ALIASES]),
    )
    picture = as_of.pictured(actor, here, present, name, request.GET.get("then", ""))
    context = collections.frame(actor, here, "aliases") | told_of
    context |= {
        "moves": moves.of(here, told_of["stories"], name),
        "asked": name,
        "aliases": present,
        "holder": aliases.holders(here, [name]).get(name),
        "picture": picture,
    }
    return show(request, "events/aliases.html", context, status=400 if form.errors or picture.error else 200)

"""What happened: in a project, to a collection."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.services import audit
from registry.web import orders, told
from registry.web.pager import paged
from registry.web.pages import page, show
from registry.web.views import collections, projects


@page()
def of_project(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Every act in a project, newest first; downloads only when they are asked for."""
    context = projects.frame(actor, entity, project, "activity")
    downloads = "downloads" in request.GET
    pager = paged(request, audit.of_project(actor, context["project"], downloads=downloads), orders.EVENTS)
    origin = audit.shows_origin(actor, context["project"])
    stories = told.tell(actor, pager.rows, origin=origin)
    context |= {"pager": pager, "stories": stories, "downloads": downloads}
    return show(request, "events/project.html", context)


@page()
def of_collection(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str
) -> HttpResponse:
    """Every act on a collection and its versions, newest first."""
    here = collections.found(actor, entity, project, collection)
    pager = paged(request, audit.of_collection(actor, here), orders.EVENTS)
    origin = audit.shows_origin(actor, here.project)
    context = collections.frame(actor, here, "activity") | {
        "pager": pager,
        "stories": told.tell(actor, pager.rows, origin=origin),
    }
    return show(request, "events/collection.html", context)

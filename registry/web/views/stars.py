"""Starring a project or a collection."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.services import projects, stars
from registry.services.stars import Target
from registry.web.pages import is_fragment, page, show
from registry.web.views.collections import found


@page("POST")
def of_project(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Star a project, or take the star away."""
    return _put(request, actor, projects.find(actor, entity, project))


@page("POST")
def of_collection(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str
) -> HttpResponse:
    """Star a collection, or take the star away."""
    return _put(request, actor, found(actor, entity, project, collection))


def _put(request: HttpRequest, actor: Actor, target: Target) -> HttpResponse:
    on = request.POST.get("on") == "1"
    stars.put(actor, target=target, on=on)
    if not is_fragment(request):
        return redirect(target)
    context = {"starred": on, "star_url": request.path}
    return show(request, "components/_star.html", context, fragment="components/_star.html")

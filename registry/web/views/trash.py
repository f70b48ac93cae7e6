"""The trash of a project, and restoring from it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.services import projects, trash, versions
from registry.services.trash import Restored
from registry.web import orders
from registry.web.pager import paged
from registry.web.pages import page, show
from registry.web.views.projects import frame


@page()
def listing(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """What was deleted and can still be restored."""
    context = frame(actor, entity, project, "trash")
    pager = paged(request, trash.listing(actor, project=context["project"]), orders.TRASH)
    return show(request, "trash/list.html", {**context, "pager": pager})


@page("POST")
def restore(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str, number: int
) -> HttpResponse:
    """Put a version back, and say which aliases came with it."""
    place = projects.find(actor, entity, project)
    found = versions.find_deleted(actor, place, collection, f"v{number}")
    restored = trash.restore(actor, membership=found)
    (messages.warning if restored.aliases_moved_on else messages.success)(request, _said(restored))
    return redirect(restored.membership)


def _said(restored: Restored) -> str:
    said = f"{restored.membership.name} is back"
    if restored.aliases_back:
        said += f" with {', '.join(restored.aliases_back)}"
    said += "."
    for alias, holder in restored.aliases_moved_on:
        said += f" {alias} stays with {holder}, which took it meanwhile."
    return said

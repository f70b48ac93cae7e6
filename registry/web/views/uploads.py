"""A new version out of the browser: the page; its script speaks the protocol of the API."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.errors import NotFound
from registry.models import Collection
from registry.policy import Act, check
from registry.services import collections, projects
from registry.web.forms.collections import NewVersionForm
from registry.web.pages import page, show

_OFFERED = 200


@page()
def new_version(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Choose files and say what they are; for a collection that is there its name and type are filled in."""
    place = projects.find(actor, entity, project)
    check(actor, Act.LOG, place)
    known = _known(actor, place, request.GET.get("collection", ""))
    first = {"collection": known.name, "type": known.type.name} if known else {}
    context = {
        "project": place,
        "form": NewVersionForm(initial=first),
        "collection": known.name if known else "",
        "type": known.type.name if known else "",
        "collections": collections.listing(actor, project=place).order_by("name")[:_OFFERED],
        "types": collections.types(actor, project=place),
        "back": (known or place).get_absolute_url(),
    }
    return show(request, "collections/new_version.html", context)


def _known(actor: Actor, place: projects.Project, name: str) -> Collection | None:
    try:
        return collections.find(actor, place, name) if name else None
    except NotFound:
        return None

"""The way back that a toast offers."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.errors import Conflict
from registry.models import Event
from registry.services import projects, undoing
from registry.services.undoing import Thing
from registry.web.pages import page


@page("POST")
def undo(request: HttpRequest, actor: Actor, entity: str, project: str, event: int) -> HttpResponse:
    """Take an act back, and go to what it was about; say so where somebody changed that since."""
    place = projects.find(actor, entity, project)
    told = undoing.find(actor, project=place, event=event)
    try:
        undoing.undo(actor, project=place, event=told)
        messages.success(request, "That is taken back.")
    except Conflict as error:
        messages.error(request, str(error))
    return redirect(_where(told, undoing.about(place, told)))


def _where(told: Event, thing: Thing) -> str:
    """The page on which the outcome can be seen."""
    url = thing.get_absolute_url()
    if told.act in ("ttl_policy.set", "project.edit"):
        return f"{url}/settings"
    return (
        f"{url}/metadata"
        if told.act == "version.edit" and told.after and list(told.after) == ["metadata"]
        else url
    )

"""The audit log: every act in a team, an organization, a person's own space, or everywhere; as a page and as a file."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from registry.actor import Actor
from registry.http import event_lines
from registry.models import Entity
from registry.policy import Act, check
from registry.services import audit, chain, event_names, teams
from registry.services.audit import Rows
from registry.web import feeds
from registry.web.forms.events import LogForm
from registry.web.pages import page, show


@page()
def of_entity(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Every act in an entity and in its projects."""
    found = teams.find_entity(actor, entity)
    check(actor, Act.AUDIT, found)
    context, status = _context(request, actor, found)
    return show(request, "audit/entity.html", context, status=status)


@page()
def everywhere(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every act in the installation, and the end of the chain."""
    check(actor, Act.AUDIT, None)
    context, status = _context(request, actor, None)
    return show(request, "audit/installation.html", context | {"head": chain.head(actor)}, status=status)


@page()
def file_of_entity(request: HttpRequest, actor: Actor, entity: str, kind: str) -> HttpResponseBase:
    """All that the page would list, as CSV or JSON lines."""
    found = teams.find_entity(actor, entity)
    check(actor, Act.AUDIT, found)
    rows = _read(actor, found, LogForm(request.GET, everywhere=False).of_log())
    return event_lines.download(request, rows, found.name, kind)


@page()
def file_of_everything(request: HttpRequest, actor: Actor, kind: str) -> HttpResponseBase:
    """The same of the whole installation."""
    check(actor, Act.AUDIT, None)
    rows = _read(actor, None, LogForm(request.GET, everywhere=True).of_log())
    return event_lines.download(request, rows, "installation", kind)


def _context(request: HttpRequest, actor: Actor, entity: Entity | None) -> tuple[dict[str, Any], int]:
    form = LogForm(request.GET, everywhere=entity is None)
    context = {"tab": "audit", "entity": entity} | feeds.listing(
        request, actor, form, lambda **given: _read(actor, entity, given), origin=True
    )
    context["opened"] = feeds.opened(request, context["stories"])
    context["known"] = event_names.known(
        actor, entity, named=form.text_of("entity"), project=form.text_of("project")
    )
    return context, 400 if form.errors else 200


def _read(actor: Actor, entity: Entity | None, given: dict[str, Any]) -> Rows:
    return audit.everywhere(actor, **given) if entity is None else audit.of_entity(actor, entity, **given)

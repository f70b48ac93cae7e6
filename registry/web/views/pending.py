"""A version that is pending: its references as the server resolves them, for who made it and for admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.errors import Gone, InvalidInput, NotFound
from registry.models import ReferenceOrder, Version
from registry.services import commits, references
from registry.web import orders, searches
from registry.web.forms.references import ReferenceForm
from registry.web.pager import paged
from registry.web.pages import act_of, done, page, show
from registry.web.templatetags.words import plural

_ROWS = 100
_STATES = {"state": ("State", ReferenceOrder.State.choices)}


@page("GET", "POST")
def pending(request: HttpRequest, actor: Actor, entity: str, project: str, draft_id: str) -> HttpResponse:
    """How far each reference is, and what can be done about it; once it is committed, the version itself."""
    draft = _found(actor, entity, project, draft_id)
    if draft.state != Version.State.PENDING:
        return done(request, "The version is committed.", _made(draft))
    act = act_of(request, _KNOWN)
    form = ReferenceForm(request.POST if act == "add" else None)
    if act == "add":
        if form.act(references.add, actor, draft=draft):
            return done(request, "The reference is added.", request.path)
    elif act:
        return done(request, _ACTS[act](actor, draft, request), _onward(draft, act, request.path))
    context = _shown(request, actor, draft) | {"form": form}
    return show(
        request, "references/pending.html", context, fragment="references/_pending.html", status=form.status
    )


def _found(actor: Actor, entity: str, project: str, draft_id: str) -> Version:
    draft = references.find(actor, draft_id)
    place = draft.sequence.project
    if (place.entity.name, place.name) != (entity, project):
        raise NotFound("There is no draft with this id that you made, or that you may look after.")
    return draft


def _made(draft: Version) -> str:
    """The address of what the commit led to."""
    try:
        return commits.again(draft).membership.get_absolute_url()
    except Gone:
        return draft.sequence.get_absolute_url()


def _shown(request: HttpRequest, actor: Actor, draft: Version) -> dict[str, Any]:
    asked, choices = searches.of(request, _STATES)
    rows = references.listing(actor, draft=draft, **asked.given())
    return {
        "draft": draft,
        "project": draft.sequence.project,
        "look": references.outlook(actor, draft=draft),
        "pager": paged(request, rows, orders.REFERENCES, limit=_ROWS, by_time=False),
        "is_mine": references.is_mine(actor, draft),
        "asked": asked,
        "choices": choices,
    }


def _order(actor: Actor, draft: Version, request: HttpRequest) -> ReferenceOrder:
    given = request.POST.get("reference", "")
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise InvalidInput("The form does not say which reference it is about. Open this page again.")
    return references.find_order(actor, draft, int(given))


def _retry(actor: Actor, draft: Version, request: HttpRequest) -> str:
    order = _order(actor, draft, request)
    references.retry(actor, draft=draft, order=order)
    return "The server looks at it again."


def _retry_all(actor: Actor, draft: Version, request: HttpRequest) -> str:
    return f"The server tries {plural(references.retry(actor, draft=draft), 'thing,things')} again."


def _drop(actor: Actor, draft: Version, request: HttpRequest) -> str:
    order = _order(actor, draft, request)
    references.drop(actor, draft=draft, order=order)
    return "The reference is dropped."


def _commit(actor: Actor, draft: Version, request: HttpRequest) -> str:
    references.commit_when_resolved(actor, draft=draft)
    return "It is committed as soon as all is resolved."


def _give_up(actor: Actor, draft: Version, request: HttpRequest) -> str:
    references.give_up(actor, draft=draft)
    return "The version is given up: nothing of it is left."


_ACTS: dict[str, Callable[[Actor, Version, HttpRequest], str]] = {
    "retry": _retry,
    "retry-all": _retry_all,
    "drop": _drop,
    "commit": _commit,
    "give-up": _give_up,
}


_KNOWN = {*_ACTS, "add"}


def _onward(draft: Version, act: str, here: str) -> str:
    if act != "give-up":
        return here
    place = draft.sequence
    return place.get_absolute_url() if place.established else place.project.get_absolute_url()

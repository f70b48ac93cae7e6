"""My inbox: what I was told of promotions, those that wait for my review, those that I asked for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.services import inbox, promotions
from registry.web import orders
from registry.web.forms.inbox import InboxForm
from registry.web.pager import paged
from registry.web.pages import act_of, done, page, show

_MARKS = {"read": True, "unread": False, "read-all": True}


@page("GET", "POST")
def notices(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What I was told of, the newest first; read and unread by the form of each."""
    if act := act_of(request, _MARKS):
        ids = None if act == "read-all" else _ids(request)
        count = inbox.mark(actor, ids=ids, seen=_MARKS[act])
        return done(request, _said(count, seen=_MARKS[act]), request.get_full_path())
    form = InboxForm(request.GET)
    context = _frame(actor, "notices") | {"form": form}
    context["pager"] = paged(request, inbox.listing(actor, **form.given()), orders.NOTICES)
    return show(request, "inbox/notices.html", context)


@page()
def reviews(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The promotions that wait for my review."""
    assert actor.user is not None
    rows = promotions.waiting_for(actor.user).for_listing()
    context = _frame(actor, "reviews") | {"pager": paged(request, rows, orders.PROMOTIONS)}
    return show(request, "inbox/promotions.html", context)


@page()
def mine(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The promotions that I asked for, the one that changed last first."""
    context = _frame(actor, "mine") | {"pager": paged(request, promotions.asked_by(actor), orders.PROMOTIONS)}
    return show(request, "inbox/promotions.html", context)


def _frame(actor: Actor, tab: str) -> dict[str, Any]:
    assert actor.user is not None
    return {"tab": tab, "counts": inbox.counts(actor.user)}


def _ids(request: HttpRequest) -> list[int]:
    given = request.POST.getlist("notice")
    return [int(text) for text in given if text.isascii() and text.isdigit() and len(text) <= 18]


def _said(count: int, *, seen: bool) -> str:
    if not count:
        return "Nothing was changed."
    return f"{count:,} {'is' if count == 1 else 'are'} marked as {'read' if seen else 'unread'}."

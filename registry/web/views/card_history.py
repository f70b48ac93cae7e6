"""What a card said before: its revisions, each beside the one before it, and going back to one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.errors import InvalidQuery
from registry.models import CardRevision, Collection, Membership
from registry.policy import Act, check
from registry.services import card_history, collections, undoing, versions
from registry.web import differences, orders
from registry.web.pager import paged
from registry.web.pages import done, page, show, undo_of
from registry.web.views import collections as of_collections
from registry.web.views.cards import editable
from registry.web.views.versions import found, frame


@page("GET", "POST")
def of_version(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The revisions of a version's card."""
    if request.method == "POST":
        membership = editable(actor, **place)
        text = _chosen(request, actor, membership).text
        since = undoing.newest()
        versions.edit(actor, membership=membership, description=text)
        undo = undo_of(actor, membership.collection.project, since)
        return done(request, "The card says that again.", request.path, undo=undo)
    membership = found(actor, **place)
    return _show(request, actor, membership, frame(actor, membership, "overview"))


@page("GET", "POST")
def of_collection(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str
) -> HttpResponse:
    """The revisions of a collection's card."""
    here = of_collections.found(actor, entity, project, collection)
    if request.method == "POST":
        check(actor, Act.EDIT, here.project)
        text, since = _chosen(request, actor, here).text, undoing.newest()
        collections.edit(actor, collection=here, description=text)
        return done(
            request, "The card says that again.", request.path, undo=undo_of(actor, here.project, since)
        )
    return _show(request, actor, here, of_collections.frame(actor, here, "card"))


def _chosen(request: HttpRequest, actor: Actor, card: Membership | Collection) -> CardRevision:
    """The revision that a form or an address names."""
    text = request.POST.get("revision") or request.GET.get("revision", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidQuery("A revision is named by its number. Choose one of the list.", field="revision")
    return card_history.find(actor, card=card, revision=int(text))[0]


def _show(
    request: HttpRequest, actor: Actor, card: Membership | Collection, context: dict[str, Any]
) -> HttpResponse:
    listed = card_history.listing(actor, card=card).defer("text")
    pager = paged(request, listed, orders.LAST_FIRST)
    asked = request.GET.get("revision")
    newest = pager.rows[0].pk if pager.rows else None
    shown = _chosen(request, actor, card) if asked else None
    number = shown.pk if shown else newest
    context |= {"pager": pager, "revision": None, "is_version": isinstance(card, Membership)}
    if number is not None:
        revision, before = card_history.find(actor, card=card, revision=number)
        now = card.version.description if isinstance(card, Membership) else card.description
        context |= {"revision": revision, "text": differences.text(before, revision.text)}
        context |= {"is_now": revision.text == now}
    return show(request, "components/card_history.html", context)

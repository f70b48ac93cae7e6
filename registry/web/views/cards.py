"""Editing a version in place: names, card, time to live; the card's preview."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.actor import Actor
from registry.errors import AliasProtected, ChangedMeanwhile, Conflict, InvalidInput, NotFound
from registry.http import markdown
from registry.models import Alias, Event, Membership
from registry.policy import Act, check
from registry.services import aliases, card_templates, retention, tags, undoing, versions
from registry.services._common import Keep
from registry.services.sourcing import check_source
from registry.web import rows
from registry.web.forms.collections import CardForm
from registry.web.forms.versions import NameForm, VersionTtlForm
from registry.web.pages import address_of_undo, done, is_fragment, page, show, undo_of
from registry.web.views.versions import found, frame

# Aliases to choose from while typing; the hint beside it knows all of them.
_OFFERED = 200


def editable(actor: Actor, **place: Any) -> Membership:
    """The version of an address, for who may edit it: the role is judged before the form."""
    membership = found(actor, **place)
    check(actor, Act.EDIT, membership.collection.project)
    return membership


def of_source(actor: Actor, **place: Any) -> Membership:
    """The same of what a version has where it was logged, and a link has from there."""
    membership = editable(actor, **place)
    check_source(actor, Act.EDIT, membership)
    return membership


@page("GET", "POST")
def names(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Aliases and tags, one act at a time."""
    membership = editable(actor, **place)
    errors: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        errors, status = _rename(request, actor, membership)
        if not errors and not is_fragment(request):
            return redirect(request.path)
        membership = found(actor, **place)
    typed = request.POST.get("name", "")
    context = frame(actor, membership, "overview") | _offered(actor, membership, typed if errors else "")
    context |= {"errors": errors, "typed": typed, "editing": "done" not in request.GET, "changed": True}
    return show(request, "versions/edit_names.html", context, fragment="versions/_names.html", status=status)


def _offered(actor: Actor, membership: Membership, typed: str) -> dict[str, Any]:
    """What completes a name: aliases of others, tags of the collection; and who holds the alias that was typed."""
    held = membership.version.held_tags()
    return {
        "others": _others(actor, membership),
        "known_tags": [
            name for name in tags.known(actor, membership.collection)[:_OFFERED] if name not in held
        ],
        "holder": _holder(membership, typed) if typed else None,
        "name": typed,
    }


def _rename(request: HttpRequest, actor: Actor, membership: Membership) -> tuple[dict[str, str], int]:
    """Do one act; return the error for its field, and the status of the answer."""
    form, since = NameForm(request.POST), undoing.newest()
    act = request.POST.get("act", "")
    kind = NameForm.ACTS.get(act, "alias")
    if not form.is_valid():
        return {kind: f"Type a name for the {kind}, up to 128 characters."}, 422
    name = form.cleaned_data["name"]
    project = membership.collection.project
    try:
        _ACTS[act](actor, membership, name, form.seen_at())
    except (AliasProtected, InvalidInput, Conflict, NotFound) as error:
        return {kind: str(error)}, 409 if isinstance(error, ChangedMeanwhile) else 422
    told = undoing.made(actor, project=project, since=since)
    messages.success(request, _said(act, name, told), extra_tags=address_of_undo(project, told))
    return {}, 200


def _said(act: str, name: str, told: Event | None) -> str:
    """Say what was done; of an alias also who lost it, for nobody may have known when the form was sent."""
    if act == "add-alias" and told is not None and told.before:
        return f"{name} points here now. {told.before} held it until now."
    return _SAID[act].format(name=name)


_SAID = {
    "add-alias": "{name} points here now.",
    "remove-alias": "The alias {name} is gone.",
    "add-tag": "Tagged with {name}.",
    "remove-tag": "The tag {name} is gone.",
}
_ACTS: dict[str, Callable[[Actor, Membership, str, str | Keep | None], Any]] = {
    "add-alias": lambda actor, row, name, seen: aliases.move(actor, membership=row, name=name, seen=seen),
    "remove-alias": lambda actor, row, name, seen: aliases.remove(
        actor, collection=row.collection, name=name, holder=row
    ),
    "add-tag": lambda actor, row, name, seen: tags.add(actor, membership=row, name=name),
    "remove-tag": lambda actor, row, name, seen: tags.remove(actor, membership=row, name=name),
}


def _others(actor: Actor, membership: Membership) -> list[Any]:
    """Aliases that other versions hold, as many as make a list to choose from: adding one moves it."""
    held = aliases.listing(actor, collection=membership.collection)[:_OFFERED]
    return [alias for alias in held if alias.membership_id != membership.pk and alias.name != aliases.LATEST]


@page()
def alias_holder(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Say who holds an alias, before it is taken from them."""
    membership = found(actor, **place)
    name = request.GET.get("name", "").strip()
    context: dict[str, Any] = {"name": name, "holder": _holder(membership, name), "others": []}
    return show(request, "versions/_alias_hint.html", context, fragment="versions/_alias_hint.html")


def _holder(membership: Membership, name: str) -> Alias | None:
    """Who would lose an alias by its being added here."""
    holder = aliases.holders(membership.collection, [aliases.spelled(name)]).get(aliases.spelled(name))
    if holder is not None and (holder.membership_id == membership.pk or holder.name == aliases.LATEST):
        return None
    return holder


@page("GET", "POST")
def description(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The card's editor, with a preview by the renderer that the page uses."""
    membership = of_source(actor, **place)
    text = membership.version.description
    form = CardForm(request.POST if request.method == "POST" else None, now=text)
    asked, since = "preview" in request.POST, undoing.newest()
    if request.method == "POST" and not asked and form.act(versions.edit, actor, membership=membership):
        undo = undo_of(actor, membership.collection.project, since)
        return done(request, "The card is saved.", membership.get_absolute_url(), undo=undo)
    typed = request.POST.get(
        "description", form.begin(card_templates.beginning(membership.collection.project, text))
    )
    context = frame(actor, membership, "overview") | {"form": form, "html": markdown.render(typed)}
    return show(request, "versions/edit_card.html", context, status=200 if asked else form.status)


@page("GET", "POST")
def ttl(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The time to live: inherited with its outcome, after N days, or never."""
    membership = of_source(actor, **place)
    check(actor, Act.SET_TTL, membership.collection.project)
    form = VersionTtlForm(request.POST if request.method == "POST" else None, version=membership.version)
    since = undoing.newest()
    saved = request.method == "POST" and form.act(versions.edit, actor, membership=membership)
    if saved:
        undo = undo_of(actor, membership.collection.project, since)
        messages.success(request, "The time to live is saved.", extra_tags=undo)
        if not is_fragment(request):
            return redirect(membership)
    if request.method == "POST":
        membership = found(actor, **place)
    return _show_ttl(request, actor, membership, form, editing=not saved and "done" not in request.GET)


def _show_ttl(
    request: HttpRequest, actor: Actor, membership: Membership, form: VersionTtlForm, *, editing: bool
) -> HttpResponse:
    context = frame(actor, membership, "overview") | {"form": form, "ttl": retention.effective(membership)}
    context |= {"inherited": rows.inherited(membership), "editing": editing}
    return show(
        request,
        "versions/edit_ttl.html",
        context,
        fragment="versions/_ttl.html",
        status=form.status,
    )


@page("POST")
def preview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Markdown as the page would show it."""
    context = {"html": markdown.render(request.POST.get("description", ""))}
    return show(request, "components/_preview.html", context, fragment="components/_preview.html")

"""Editing a version in place: names, card, metadata, time to live; the card's preview."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from registry.actor import Actor
from registry.errors import Conflict, InvalidInput
from registry.http import markdown
from registry.models import Membership
from registry.policy import Act, check
from registry.services import aliases, retention, tags, versions
from registry.web import rows
from registry.web.forms.collections import CardForm
from registry.web.forms.metadata import KINDS, MetadataForm, MetadataRowsForm, rows_of
from registry.web.forms.versions import NameForm, VersionTtlForm
from registry.web.pages import done, is_fragment, page, show
from registry.web.templatetags.words import as_json
from registry.web.views.completions import known_keys
from registry.web.views.versions import found, frame

# Aliases to choose from while typing; the hint beside it knows all of them.
_OFFERED = 200
Service = Callable[[Actor, Membership, str], Any]

_ACTS: dict[str, tuple[Service, str]] = {
    "add-alias": (
        lambda actor, row, name: aliases.move(actor, membership=row, name=name),
        "{name} points here now.",
    ),
    "remove-alias": (
        lambda actor, row, name: aliases.remove(actor, collection=row.collection, name=name, holder=row),
        "The alias {name} is gone.",
    ),
    "add-tag": (lambda actor, row, name: tags.add(actor, membership=row, name=name), "Tagged with {name}."),
    "remove-tag": (
        lambda actor, row, name: tags.remove(actor, membership=row, name=name),
        "The tag {name} is gone.",
    ),
}


def _editable(actor: Actor, **place: Any) -> Membership:
    """The version of an address, for who may edit it: the role is judged before the form."""
    membership = found(actor, **place)
    check(actor, Act.EDIT, membership.collection.project)
    return membership


@page("GET", "POST")
def names(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Aliases and tags, one act at a time."""
    membership = _editable(actor, **place)
    errors: dict[str, str] = {}
    if request.method == "POST":
        errors = _rename(request, actor, membership)
        if not errors and not is_fragment(request):
            return redirect(request.path)
        membership = found(actor, **place)
    context = frame(actor, membership, "overview") | {"errors": errors, "typed": request.POST.get("name", "")}
    context |= {"others": _others(actor, membership), "editing": "done" not in request.GET, "changed": True}
    return show(
        request,
        "versions/edit_names.html",
        context,
        fragment="versions/_names.html",
        status=422 if errors else 200,
    )


def _rename(request: HttpRequest, actor: Actor, membership: Membership) -> dict[str, str]:
    """Do one act; return the error for its field."""
    form = NameForm(request.POST)
    act = request.POST.get("act", "")
    kind = NameForm.ACTS.get(act, "alias")
    if not form.is_valid():
        return {kind: f"Type a name for the {kind}, up to 128 characters."}
    service, said = _ACTS[act]
    name = form.cleaned_data["name"]
    try:
        service(actor, membership, name)
    except (InvalidInput, Conflict) as error:
        return {kind: str(error)}
    messages.success(request, said.format(name=name))
    return {}


def _others(actor: Actor, membership: Membership) -> list[Any]:
    """Aliases that other versions hold, as many as make a list to choose from: adding one moves it."""
    held = aliases.listing(actor, collection=membership.collection)[:_OFFERED]
    return [alias for alias in held if alias.membership_id != membership.pk and alias.name != aliases.LATEST]


@page()
def alias_holder(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Say who holds an alias, before it is taken from them."""
    membership = found(actor, **place)
    name = request.GET.get("name", "").strip()
    holder = aliases.holders(membership.collection, [aliases.spelled(name)]).get(aliases.spelled(name))
    if holder is not None and (holder.membership_id == membership.pk or holder.name == aliases.LATEST):
        holder = None
    context: dict[str, Any] = {"name": name, "holder": holder, "others": []}
    return show(request, "versions/_alias_hint.html", context, fragment="versions/_alias_hint.html")


@page("GET", "POST")
def description(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The card's editor, with a preview by the renderer that the page uses."""
    membership = _editable(actor, **place)
    text = membership.version.description
    form = CardForm(request.POST if request.method == "POST" else None, now=text)
    asked = "preview" in request.POST
    if request.method == "POST" and not asked and form.act(versions.edit, actor, membership=membership):
        return done(request, "The card is saved.", membership.get_absolute_url())
    typed = request.POST.get("description", text)
    context = frame(actor, membership, "overview") | {"form": form, "html": markdown.render(typed)}
    return show(request, "versions/edit_card.html", context, status=422 if form.errors and not asked else 200)


@page("GET", "POST")
def metadata(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The metadata as JSON or as a form of rows, checked in place."""
    membership = _editable(actor, **place)
    if request.GET.get("as") == "form":
        return _metadata_rows(request, actor, membership)
    now = membership.version.metadata
    form = MetadataForm(request.POST if request.method == "POST" else None, now=as_json(now))
    if request.method == "POST" and form.act(versions.edit, actor, membership=membership):
        return done(request, "The metadata is saved.", reverse("versions:metadata", kwargs=place))
    context = frame(actor, membership, "metadata") | {"form": form, "has_rows": rows_of(now) is not None}
    return show(request, "versions/edit_metadata.html", context, status=422 if form.errors else 200)


def _metadata_rows(request: HttpRequest, actor: Actor, membership: Membership) -> HttpResponse:
    now = membership.version.metadata
    listed = rows_of(now)
    if listed is None and request.method != "POST":
        return redirect(f"{request.path}?as=json")
    form = MetadataRowsForm(
        request.POST if request.method == "POST" else None, now=as_json(now), rows=listed or []
    )
    if form.only_asks:
        form.rearrange()
    elif request.method == "POST" and form.act(versions.edit, actor, membership=membership):
        return done(request, "The metadata is saved.", f"{membership.get_absolute_url()}/metadata")
    context = frame(actor, membership, "metadata") | {"form": form, "kinds": KINDS, "has_rows": True}
    context["known"] = known_keys(actor, membership.collection)
    failed = not form.only_asks and form.is_bound and form.errors
    return show(request, "versions/edit_metadata_rows.html", context, status=422 if failed else 200)


@page("GET", "POST")
def ttl(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The time to live: inherited with its outcome, after N days, or never."""
    membership = _editable(actor, **place)
    check(actor, Act.SET_TTL, membership.collection.project)
    form = VersionTtlForm(request.POST if request.method == "POST" else None, version=membership.version)
    saved = request.method == "POST" and form.act(versions.edit, actor, membership=membership)
    if saved:
        messages.success(request, "The time to live is saved.")
        if not is_fragment(request):
            return redirect(membership)
        membership = found(actor, **place)
    context = frame(actor, membership, "overview") | {"form": form, "ttl": retention.effective(membership)}
    context |= {"inherited": rows.inherited(membership), "editing": not saved and "done" not in request.GET}
    return show(
        request,
        "versions/edit_ttl.html",
        context,
        fragment="versions/_ttl.html",
        status=422 if form.errors else 200,
    )


@page("POST")
def preview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Markdown as the page would show it."""
    context = {"html": markdown.render(request.POST.get("description", ""))}
    return show(request, "components/_preview.html", context, fragment="components/_preview.html")

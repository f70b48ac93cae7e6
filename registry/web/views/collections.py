"""Collections: versions, card, settings, making and deleting one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from registry.actor import Actor
from registry.errors import InvalidQuery, NotFound
from registry.http import markdown
from registry.models import Collection, Membership, Project
from registry.policy import Act, check
from registry.services import (
    aliases,
    card_templates,
    collections,
    deletions,
    drafts,
    latest,
    notices,
    projects,
    references,
    stars,
    undoing,
    versions,
)
from registry.web import chips, columns, registered, rows, snippets
from registry.web.forms.collections import CardForm, CollectionForm, CollectionSettingsForm, TypedDeleteForm
from registry.web.forms.policies import PolicyForm
from registry.web.pager import found_once, paged, sorts
from registry.web.pages import done, page, policy_panel, rights, show, undo_of

# An alias a line up to here; the others are named in one.
_LISTED = 50
# Versions that are being logged are counted to here, and the last begun of them named.
_DRAFTS, _NAMED = 100, 5


def found(actor: Actor, entity: str, project: str, collection: str) -> Collection:
    """The collection of an address."""
    return collections.find(actor, projects.find(actor, entity, project), collection)


def frame(actor: Actor, here: Collection, tab: str) -> dict[str, Any]:
    """What every page of a collection shows."""
    return {
        "collection": here,
        "project": here.project,
        "tab": tab,
        "may": rights(actor, here.project),
        "latest": latest.of(here),
        "starred": stars.is_on(actor, here),
    }


@page()
def detail(request: HttpRequest, actor: Actor, entity: str, project: str, collection: str) -> HttpResponse:
    """The versions, newest first; what the search, the order and the columns of the address ask for."""
    here = found(actor, entity, project, collection)
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "tag", "alias")}
    context = frame(actor, here, "versions") | asked | {"filtered": any(asked.values())}
    context |= _begun(actor, here)
    context["soon"] = notices.of_collection(actor, collection=here)
    if registered.is_registered(here):
        context |= {"registered": True} | registered.above(request, actor, here)
    try:
        context |= _listed(request, actor, here, asked)
    except InvalidQuery as error:
        if error.details.get("field") != "q":
            raise
        context |= {"error": str(error)}
    status = 422 if "error" in context else 200
    return show(
        request, "collections/versions.html", context, fragment="collections/_listing.html", status=status
    )


def _begun(actor: Actor, here: Collection) -> dict[str, Any]:
    """The versions that somebody is logging at this moment."""
    found = drafts.in_progress(actor, collection=here, limit=_DRAFTS + 1)
    for draft in found[:_NAMED]:
        draft.sequence = here
    return {
        "opened": references.open_to(actor, found[:_NAMED]),
        "drafts": found[:_NAMED],
        "draft_count": min(len(found), _DRAFTS),
        "more_drafts": len(found) > _DRAFTS,
    }


def _listed(request: HttpRequest, actor: Actor, here: Collection, asked: dict[str, str]) -> dict[str, Any]:
    """The table with its chart, and what both could show instead."""
    listed, matches = versions.listing(actor, collection=here, **asked), ""
    if any(asked.values()):
        listed, matches = found_once(listed, versions.listing(actor, collection=here))
    chosen, by = _columns(request)
    known = columns.known_orders(chosen or [])
    sortable = columns.sortable(listed, by, request.GET.get("order", ""))
    # By ids: a search or an order by a key looks into all versions, and so is made once for sizes and rows.
    pager = paged(request, sortable, known, weigh=["version__metadata"], by_id=rows.by_id(actor, here))
    shown = columns.of(pager.rows, chosen)
    pager.sorts = sorts(request, pager.order, columns.known_orders([column.path for column in shown]))
    return {
        "pager": pager,
        "table": registered.beside(actor, here, rows.of_versions(pager.rows, shown)),
        "ticked": _ticked(request),
        "offered": columns.menu(pager.rows, shown),
        "chart": columns.chart(listed, shown, request.GET.get("chart", "")),
        "terms": chips.of(asked["q"]),
        "matches": matches,
        "log_to": snippets.log_to(here),
    }


def _columns(request: HttpRequest) -> tuple[list[columns.Path] | None, columns.Path | None]:
    """The columns that are asked for, with that of the order among them; and what is sorted by."""
    chosen, by = columns.asked(request), columns.sorted_by(request)
    if by is not None and by not in (chosen or []):
        chosen = [*(chosen or []), by]
    return chosen, by


def _ticked(request: HttpRequest) -> set[int]:
    """The numbers that the address names as ticked; of the table's rows, and of no others, boxes are."""
    given = request.GET.getlist("v")
    return {int(text) for text in given if text.isascii() and text.isdigit() and len(text) <= 18}


@page("GET", "POST")
def card(request: HttpRequest, actor: Actor, entity: str, project: str, collection: str) -> HttpResponse:
    """The collection's card, and its editor."""
    here = found(actor, entity, project, collection)
    editing = "edit" in request.GET or request.method == "POST"
    if editing:
        check(actor, Act.EDIT, here.project)
    form = CardForm(request.POST if request.method == "POST" else None, now=here.description)
    begun = form.begin(card_templates.beginning(here.project, here.description))
    asked, since = "preview" in request.POST, undoing.newest()
    if request.method == "POST" and not asked and form.act(collections.edit, actor, collection=here):
        undo = undo_of(actor, here.project, since)
        return done(request, "The card is saved.", request.path, undo=undo)
    text = request.POST.get("description", begun) if editing else here.description
    context = frame(actor, here, "card") | {"form": form, "editing": editing, "html": markdown.render(text)}
    context["standing"] = card_templates.standing(here.project, here.description)
    return show(request, "collections/card.html", context, status=200 if asked else form.status)


@page("GET", "POST")
def settings(request: HttpRequest, actor: Actor, entity: str, project: str, collection: str) -> HttpResponse:
    """Rename, tag, move to another type."""
    here = found(actor, entity, project, collection)
    check(actor, Act.EDIT, here.project)
    if request.method != "POST":
        return show_settings(request, actor, here)
    form, since = CollectionSettingsForm(request.POST), undoing.newest()
    if form.act(collections.edit, actor, collection=here):
        undo = undo_of(actor, here.project, since)
        return done(request, "The settings are saved.", form.result.get_absolute_url(), undo=undo)
    return show_settings(request, actor, here, form=form)


def show_settings(
    request: HttpRequest,
    actor: Actor,
    here: Collection,
    *,
    form: CollectionSettingsForm | None = None,
    policy_form: PolicyForm | None = None,
) -> HttpResponse:
    """The settings, with whichever of their forms was refused."""
    tags = ", ".join(tag.name for tag in here.tags.all())
    first = {"name": here.name, "type": here.type.name, "tags": tags}
    context = frame(actor, here, "settings") | policy_panel(actor, here, here.project, policy_form)
    shown = form or CollectionSettingsForm(initial=first)
    place = [here.project.entity.name, here.project.name, first["name"]]
    shown.fields["tags"].widget.attrs["data-completes"] = reverse("collections:complete-tags", args=place)
    context |= {
        "form": shown,
        "types": collections.types(actor, project=here.project),
    }
    return show(
        request,
        "collections/settings.html",
        context,
        status=max(each.status if each else 200 for each in (form, policy_form)),
    )


@page("GET", "POST")
def create(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Make an empty collection."""
    place = projects.find(actor, entity, project)
    check(actor, Act.LOG, place)
    form = CollectionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(collections.create, actor, project=place):
        return done(
            request,
            f"{form.result.name} is there. Its first version will be v0.",
            form.result.get_absolute_url(),
        )
    context = {"project": place, "form": form, "types": collections.types(actor, project=place)}
    return show(request, "collections/create.html", context, status=422 if form.errors else 200)


@page("GET", "POST")
def delete(request: HttpRequest, actor: Actor, entity: str, project: str, collection: str) -> HttpResponse:
    """Delete a collection; its name must be typed, and what is lost is listed."""
    here = found(actor, entity, project, collection)
    check(actor, Act.DELETE, here.project)
    form = TypedDeleteForm(request.POST if request.method == "POST" else None, name=here.name)
    if request.method == "POST" and form.act(collections.delete, actor, collection=here):
        undo = reverse("collections:restore", args=[entity, project, here.name])
        return done(
            request,
            f"{here.name} is in the trash with its versions.",
            here.project.get_absolute_url(),
            undo=undo,
        )
    context = frame(actor, here, "settings") | _lost(actor, here) | {"form": form}
    context["account"] = deletions.of_collection(actor, here)
    return show(
        request,
        "collections/delete.html",
        context,
        fragment="collections/_delete.html",
        status=422 if form.errors else 200,
    )


def _lost(actor: Actor, here: Collection) -> dict[str, Any]:
    """The aliases that go with a collection."""
    held = list(aliases.listing(actor, collection=here))
    return {
        "aliases": held[:_LISTED],
        "more_aliases": held[_LISTED:],
        "seen_aliases": "/".join(alias.name for alias in held),
    }


@page()
def by_type(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str, type: str
) -> HttpResponse:
    """Lead from the address that the `wandb` client prints, which names the type too.

    An alias in the place of the number of a version looks the same: `…/artifacts/classifier/staging`.
    """
    return redirect(_named(actor, projects.find(actor, entity, project), type, collection))


def _named(actor: Actor, place: Project, first: str, second: str) -> Collection | Membership:
    """What two words name: a collection after its type, else the version of a collection that holds an alias."""
    with suppress(NotFound):
        asked = collections.find(actor, place, second)
        if asked.type.name == first:
            return asked
    with suppress(NotFound):
        return versions.find(actor, collections.find(actor, place, first), second)
    # Types change, and what links to it stays.
    return collections.find(actor, place, second)

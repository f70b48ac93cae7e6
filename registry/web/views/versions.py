"""Versions: overview, metadata, usage, history, deletion; and the addresses that lead to them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header

from registry.actor import Actor
from registry.errors import NotFound
from registry.http import markdown
from registry.models import Membership
from registry.policy import Act, can, check
from registry.services import (
    audit,
    card_templates,
    deletions,
    drifts,
    latest,
    notices,
    promotions,
    protection,
    retention,
    runs,
    sourcing,
    storage_counts,
    versions,
)
from registry.web import columns, feeds, orders, rows, searches, snippets, version_checks
from registry.web.forms import events
from registry.web.forms.collections import DeleteForm
from registry.web.metadata import Search
from registry.web.pager import paged
from registry.web.pages import done, page, rights, show
from registry.web.templatetags.words import as_json
from registry.web.views.collections import found as found_collection

_RUNS = 20
# The tabs of a version at W&B, and ours.
_TABS = {name: name for name in ("files", "references", "metadata", "usage", "lineage", "history")} | {
    "graph": "lineage"
}
# What a button may carry to the clipboard.
_COPIED = 256 * 1024
# What lies beyond is "more than": a count of a hundred thousand runs would cost more than the page.
_COUNTED = 1000
# So many links of a version are named beside its card.
_PLACES = 10


def found(actor: Actor, entity: str, project: str, collection: str, number: int) -> Membership:
    """The version of an address."""
    here = found_collection(actor, entity, project, collection)
    return versions.find(actor, here, f"v{number}")


def frame(actor: Actor, membership: Membership, tab: str) -> dict[str, Any]:
    """What every tab of a version shows."""
    older, newer = rows.neighbours(membership)
    return {
        "protected": protection.held_by(membership),
        "membership": membership,
        "version": membership.version,
        "collection": membership.collection,
        "project": membership.collection.project,
        "tab": tab,
        "may": _may(actor, membership),
        "older": older,
        "newer": newer,
    }


def _may(actor: Actor, membership: Membership) -> dict[str, bool]:
    """What the person may do with a version here; the services check again."""
    home = membership.collection.project
    may = rights(actor, home) | {"link": sourcing.may(actor, Act.LINK, membership)}
    if not membership.is_link:
        return may | {"card": may["edit"], "unlink": False}
    # What the version has, it has at its source.
    may |= {"card": sourcing.may(actor, Act.EDIT, membership), "ttl": False, "delete": False}
    may |= {"unlink": can(actor, Act.LINK, home), "propose": promotions.may_be_asked(actor, membership)}
    return may


@page()
def overview(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The card, with the facts beside it."""
    membership = found(actor, **place)
    users = list(runs.used_by(actor, membership).without_cards()[: _RUNS + 1])
    more = runs.used_by(actor, membership)[: _RUNS + _COUNTED].count() - _RUNS if len(users) > _RUNS else 0
    ttl = retention.effective(membership)
    context = frame(actor, membership, "overview") | {
        "soon": notices.is_soon(ttl),
        "html": markdown.render(membership.version.description),
        "ttl": ttl,
        "logged_by": runs.logged_by(actor, membership),
        "used_by": users[:_RUNS],
        "used_by_more": more,
        "used_by_counted": more < _COUNTED,
        "figures": columns.figures(membership.version.metadata)[:5],
        "places": list(
            versions.elsewhere(actor, membership).defer("version__description", "version__metadata")[:_PLACES]
        ),
        "use": snippets.use(membership),
    }
    return show(request, "versions/overview.html", context | _beside(actor, membership))


def _beside(actor: Actor, membership: Membership) -> dict[str, Any]:
    """What workers found out about a version, and how far its card is."""
    return {
        "only_here": storage_counts.alone(membership.version_id),
        "watch": drifts.of_version(actor, membership),
        "standing": card_templates.standing(membership.collection.project, membership.version.description),
        **version_checks.shown(actor, membership),
    }


@page()
def metadata(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The metadata as a tree, or as a file."""
    membership = found(actor, **place)
    text = as_json(membership.version.metadata)
    if "download" in request.GET:
        name = f"{membership.collection.name}-v{membership.number}-metadata.json"
        disposition = content_disposition_header(True, name) or ""
        return HttpResponse(
            text, content_type="application/json", headers={"Content-Disposition": disposition}
        )
    asked, _ = searches.of(request)
    whole = membership.version.metadata
    search = Search(asked.q)
    context = {
        "copied": text if len(text) <= _COPIED else "",
        "asked": asked,
        "shown": search.matching(whole) if asked.q else whole,
        "search": search,
    }
    return show(request, "versions/metadata.html", frame(actor, membership, "metadata") | context)


@page()
def usage(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Code to copy, filled in."""
    membership = found(actor, **place)
    context = frame(actor, membership, "usage") | {
        "use": snippets.in_run(membership),
        "read_only": snippets.read_only(membership),
        "install_wandb": snippets.install_wandb(request),
        "list_files": snippets.list_files(membership),
        "next_version": snippets.next_version(membership),
        "replace": snippets.replace(membership),
    }
    return show(request, "versions/usage.html", context)


@page()
def used_by(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Every run that used this version, last use first."""
    membership = found(actor, **place)
    pager = paged(request, runs.used_by(actor, membership).without_cards(), orders.USED_BY)
    return show(request, "versions/used_by.html", frame(actor, membership, "used-by") | {"pager": pager})


@page()
def history(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Every event of this version: who, when, before and after."""
    membership = found(actor, **place)
    form = events.asked(request, events.OF_VERSION)
    context = frame(actor, membership, "history") | feeds.listing(
        request,
        actor,
        form,
        lambda **given: audit.of_version(actor, membership, **given),
        origin=audit.shows_origin(actor, membership.collection.project),
        loser=membership,
    )
    return show(request, "versions/history.html", context, status=400 if form.errors else 200)


@page("GET", "POST")
def delete(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Ask, naming what goes; then move the version to the trash, with a way back."""
    membership = found(actor, **place)
    check(actor, Act.DELETE, membership.collection.project)
    if membership.is_link:
        return redirect("versions:unlink", **place)
    form = DeleteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(versions.delete, actor, membership=membership):
        undo = reverse("versions:restore", kwargs=place)
        return done(
            request,
            f"v{membership.number} is in the trash.",
            membership.collection.get_absolute_url(),
            undo=undo,
        )
    account = deletions.of_versions(actor, [membership])
    context = frame(actor, membership, "overview") | _lost(membership) | {"form": form, "account": account}
    return show(
        request,
        "versions/delete.html",
        context,
        fragment="versions/_delete.html",
        status=422 if form.errors else 200,
    )


def _lost(membership: Membership) -> dict[str, Any]:
    """The aliases that go with a version, and who gets `latest`."""
    held = sorted(alias.name for alias in membership.aliases.all())
    heir = latest.heir(membership) if latest.LATEST in held else None
    return {"held": held, "heir": heir}


@page()
def by_alias(
    request: HttpRequest, actor: Actor, entity: str, project: str, collection: str, alias: str
) -> HttpResponse:
    """Lead to the version that holds an alias now."""
    return redirect(versions.find(actor, found_collection(actor, entity, project, collection), alias))


@page()
def by_ref(
    request: HttpRequest,
    actor: Actor,
    entity: str,
    project: str,
    collection: str,
    ref: str,
    type: str,
    tail: str = "",
) -> HttpResponse:
    """Lead from the address that the `wandb` client prints, which names the type too, or one of its tabs."""
    place = versions.find(actor, found_collection(actor, entity, project, collection), ref).get_absolute_url()
    tab, _, rest = tail.partition("/")
    if not tail or tab == "overview":
        return redirect(place)
    if tab not in _TABS:
        raise NotFound(f"A version has no page {tail}. It has {', '.join(_TABS)}.")
    return redirect(f"{place}/{_TABS[tab]}{'/' if rest else ''}{quote(rest)}")

"""Linking a version into a registry or a portfolio, and unlinking it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.policy import Act, check
from registry.services import links, targets, unlinking
from registry.services.sourcing import check_source
from registry.web.forms.registries import LinkForm
from registry.web.pages import done, page, show
from registry.web.views.versions import found, frame

_OFFERED = 12


@page("GET", "POST")
def link(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Link the version: where to is typed, or chosen among what is found."""
    membership = found(actor, **place)
    check_source(actor, Act.LINK, membership)
    first = {"target_path": request.GET.get("to", "")[:512]}
    completes = f"{membership.get_absolute_url()}/link/complete"
    form = LinkForm(request.POST if request.method == "POST" else None, initial=first, completes=completes)
    if request.method == "POST" and form.act(links.link, actor, membership=membership):
        there, made = form.result.membership, form.result.created
        said = (
            f"Linked as {there.qualified_name}."
            if made
            else f"It is linked as {there.qualified_name} already."
        )
        return done(request, said, there.get_absolute_url())
    q = request.GET.get("q", "").strip()[:128]
    context = frame(actor, membership, "overview") | {"form": form, "q": q}
    context["offers"] = targets.listing(actor, membership=membership, q=q, limit=50)
    return show(request, "links/link.html", context, status=form.status)


@page()
def complete(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Offer registries and portfolios that have the words which were typed."""
    membership = found(actor, **place)
    check_source(actor, Act.LINK, membership)
    typed = request.GET.get("q", "")[:128]
    offers = targets.listing(actor, membership=membership, q=typed, limit=_OFFERED)
    options = [(offer.path, offer.path, offer.hint) for offer in offers if offer.path != typed]
    context = {"options": options, "collection": membership.collection}
    return show(request, "collections/complete.html", context, fragment="collections/_complete.html")


@page("GET", "POST")
def unlink(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Ask, then take the version out of the portfolio."""
    membership = found(actor, **place)
    check(actor, Act.LINK, membership.collection.project)
    if request.method == "POST":
        unlinking.unlink(actor, membership=membership)
        said = f"{membership.name} is unlinked. The version stays where it was logged."
        return done(request, said, membership.collection.get_absolute_url())
    unlinking.refuse_source(membership)
    context = frame(actor, membership, "overview") | {"held": membership.held_aliases()}
    return show(request, "links/unlink.html", context, fragment="links/_unlink.html")

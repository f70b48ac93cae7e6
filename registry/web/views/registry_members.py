"""The people and teams with a role in a registry."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.models import RegistryRole
from registry.policy import Act, can, check
from registry.services import registries, registry_members
from registry.web import orders, searches
from registry.web.forms.registries import RegistryMemberForm
from registry.web.pager import paged
from registry.web.pages import done, page, show
from registry.web.views.registries import frame


@page("GET", "POST")
def members(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Who has which role; admins give roles and change them."""
    context = frame(actor, organization, registry, "members")
    here = context["project"]
    if request.method == "POST":
        check(actor, Act.MANAGE_MEMBERS, here)
    form = RegistryMemberForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(registry_members.set_role, actor, registry=here):
        held = form.result
        return done(request, f"{held.name} is {held.get_role_display().lower()} now.", request.path)
    asked, choices = searches.of(request, {"role": ("Role", RegistryRole.choices)})
    listed = registry_members.listing(actor, registry=here, **asked.given())
    context |= {"pager": paged(request, listed, orders.REGISTRY_MEMBERS, by_time=False), "form": form}
    context |= {"asked": asked, "choices": choices, "may_manage": can(actor, Act.MANAGE_MEMBERS, here)}
    context["role"] = registries.role_of(actor, here)
    return show(request, "registries/members.html", context, status=form.status)


@page("GET", "POST")
def remove(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Ask, then take the role of a person or a team away; anyone may leave."""
    context = frame(actor, organization, registry, "members")
    here, sent = context["project"], request.POST if request.method == "POST" else request.GET
    who = {"username": sent.get("username") or None, "team": sent.get("team") or None}
    if request.method == "POST":
        held = registry_members.remove(actor, registry=here, **who)
        left = held.user == actor.user and not can(actor, Act.VIEW, here)
        home = reverse("home") if left else reverse("registries:members", args=[organization, registry])
        return done(request, f"{held.name} has no role of their own in {registries.title(here)}.", home)
    context["held"] = registry_members.to_remove(actor, registry=here, **who)
    return show(request, "registries/remove.html", context, fragment="registries/_remove.html")

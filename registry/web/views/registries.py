"""Registries of organizations: lists, making one, settings, deletion."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from registry.actor import Actor
from registry.models import Organization, Project
from registry.policy import Act, check
from registry.services import card_templates, project_trash, registries, teams
from registry.web import orders, searches
from registry.web.forms.base import TypedForm
from registry.web.forms.registries import CardTemplateForm, RegistryForm, RegistrySettingsForm
from registry.web.pager import paged
from registry.web.pages import done, page, rights, show
from registry.web.views.entities import frame as entity_frame

# What an empty page offers to begin with.
OFFERS = (
    {"name": "models", "title": "Models", "icon": "box", "accepted_types": "model",
     "description": "Models that were reviewed, and which of them is in production."},
    {"name": "datasets", "title": "Datasets", "icon": "database", "accepted_types": "dataset",
     "description": "Datasets that others may rely on."},
)  # fmt: skip


def frame(actor: Actor, organization: str, registry: str, tab: str) -> dict[str, Any]:
    """What every page of a registry shows: what those of a project do."""
    found = registries.find(actor, organization, registry)
    return {"project": found, "tab": tab, "may": rights(actor, found)}


@page()
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The registries of all organizations that one is in."""
    mine = registries.organizations(actor)
    if len(mine) == 1:
        return redirect("registries:of-organization", organization=mine[0].entity.name)
    return _listed(request, actor, None, {"organizations": mine, "tab": "registries"})


@page()
def of_organization(request: HttpRequest, actor: Actor, organization: str) -> HttpResponse:
    """The registries of an organization; where there are none, what to begin with."""
    place = teams.find_organization(actor, organization)
    context = entity_frame(actor, place.entity, "registries") | {"organization": place, "offers": OFFERS}
    context["may_make"] = registries.may_create_in(actor, place)
    if context["may_make"]:
        context["gone"] = list(project_trash.deleted(actor, entity=place.entity)[:20])
    return _listed(request, actor, place, context)


def _listed(
    request: HttpRequest, actor: Actor, place: Organization | None, context: dict[str, Any]
) -> HttpResponse:
    asked, _ = searches.of(request)
    listed = registries.listing(actor, organization=place, **asked.given())
    pager = paged(request, listed, orders.PROJECTS, by_time=False)
    context |= {"pager": pager, "asked": asked, "roles": registries.roles_of(actor, pager.rows)}
    return show(request, "registries/list.html", context)


@page("GET", "POST")
def create(request: HttpRequest, actor: Actor, organization: str) -> HttpResponse:
    """Make a registry."""
    place = teams.find_organization(actor, organization)
    check(actor, Act.CREATE_PROJECT, place.entity)
    form = RegistryForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.act(registries.create, actor, organization=place):
        made = form.result
        return done(request, f"The registry {registries.title(made)} is made.", made.get_absolute_url())
    context = entity_frame(actor, place.entity, "registries") | {"organization": place, "form": form}
    return show(request, "registries/create.html", context, status=form.status)


@page()
def detail(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """A registry's portfolios, at its address as a project."""
    return redirect(registries.find(actor, organization, registry))


@page("GET", "POST")
def settings(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Change a registry's name, description, icon, visibility and types."""
    context = frame(actor, organization, registry, "settings")
    here = context["project"]
    check(actor, Act.EDIT_PROJECT, here)
    form = RegistrySettingsForm(request.POST if request.method == "POST" else None, initial=_settings(here))
    if request.method == "POST" and form.act(registries.edit, actor, registry=here):
        place = [here.entity.name, registries.title(form.result)]
        return done(request, "The settings are saved.", reverse("registries:settings", args=place))
    context["form"] = form
    return show(request, "registries/settings.html", context, status=form.status)


def _settings(registry: Project) -> dict[str, Any]:
    own = registries.settings_of(registry)
    return {
        "name": registries.title(registry),
        "description": registry.description,
        "accepted_types": ", ".join(own.accepted_types),
        "icon": own.icon,
        "visibility": registry.visibility,
    }


@page("GET", "POST")
def card_template(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Say what cards begin with, and which sections they must have."""
    context = frame(actor, organization, registry, "settings")
    here = context["project"]
    check(actor, Act.EDIT_PROJECT, here)
    held = card_templates.of(actor, here)
    now = {"text": held.text, "required": held.required}
    form = CardTemplateForm(request.POST if request.method == "POST" else None, now=now)
    if request.method == "POST" and form.act(card_templates.set_template, actor, project=here):
        return done(request, "Cards are asked for that from now on.", request.path)
    context |= {"form": form}
    return show(request, "registries/card_template.html", context, status=form.status)


@page("GET", "POST")
def delete(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Delete a registry; its name must be typed, and what is lost is listed."""
    context = frame(actor, organization, registry, "settings")
    here = context["project"]
    check(actor, Act.DELETE_PROJECT, here)
    form = TypedForm(request.POST if request.method == "POST" else None, name=registries.title(here))
    if request.method == "POST" and form.act(_delete, actor, registry=here):
        undo = reverse("projects:restore", args=[here.entity.name, here.name])
        home = reverse("registries:of-organization", args=[here.entity.name])
        return done(request, f"The registry {registries.title(here)} is in the trash.", home, undo=undo)
    context |= {"form": form, "loss": registries.loss(actor, registry=here)}
    return show(
        request, "registries/delete.html", context, fragment="registries/_delete.html", status=form.status
    )


def _delete(actor: Actor, *, registry: Project, typed: str) -> None:
    """Delete what was confirmed: the form has compared the name that was typed."""
    project_trash.delete_registry(actor, registry=registry)

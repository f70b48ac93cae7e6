"""The time-to-live policies of projects and collections: a section of their settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from registry.actor import Actor
from registry.policy import Act, check
from registry.services import confirming, policies, previews, retention, undoing
from registry.services.policies import Place
from registry.web.forms.policies import PolicyForm
from registry.web.pages import done, is_fragment, page, undo_of
from registry.web.views import collections, projects


@page("POST")
def of_collection(request: HttpRequest, actor: Actor, **place: str) -> HttpResponse:
    """Set the policy of a collection."""
    here = collections.found(actor, **place)
    check(actor, Act.SET_POLICY, here.project)
    form = _form(request, actor, here)
    if "preview" in request.POST:
        return _previewed(request, form) or collections.show_settings(request, actor, here, policy_form=form)
    since = undoing.newest()
    if form.act(retention.set_policy, actor, target=here):
        undo = undo_of(actor, here.project, since)
        return _saved(request, "collections:settings", place, undo)
    return collections.show_settings(request, actor, here, policy_form=form)


@page("POST")
def of_project(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Set the policy of a project."""
    context = projects.frame(actor, entity, project, "settings")
    check(actor, Act.SET_POLICY, context["project"])
    form = _form(request, actor, context["project"])
    if "preview" in request.POST:
        return _previewed(request, form) or projects.show_settings(request, actor, context, policy_form=form)
    since = undoing.newest()
    if form.act(retention.set_policy, actor, target=context["project"]):
        undo = undo_of(actor, context["project"], since)
        return _saved(request, "projects:settings", {"entity": entity, "project": project}, undo)
    return projects.show_settings(request, actor, context, policy_form=form)


def _form(request: HttpRequest, actor: Actor, target: Place) -> PolicyForm:
    """Return the form, with what it would delete where that is asked for."""
    form = PolicyForm(request.POST, now=policies.read(actor, target=target).ttl)
    if "preview" in request.POST and form.is_valid():
        wanted = form.planned(lambda: previews.plan(actor, place=target, ttl=form.given()["ttl"]))
        form.shown = confirming.show(wanted) if wanted else None
    return form


def _previewed(request: HttpRequest, form: PolicyForm) -> HttpResponse | None:
    """What the form would delete, alone for htmx; the page shows it in its place."""
    if not is_fragment(request):
        return None
    return render(request, "components/_policy_impact.html", {"policy_form": form})


def _saved(request: HttpRequest, name: str, place: dict[str, Any], undo: str) -> HttpResponse:
    return done(request, "The time to live is saved.", reverse(name, kwargs=place), undo=undo)

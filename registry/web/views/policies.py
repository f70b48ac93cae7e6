"""The time-to-live policies of projects and collections: a section of their settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.policy import Act, check
from registry.services import policies, retention, undoing
from registry.services.policies import Place
from registry.web.forms.policies import PolicyForm
from registry.web.pages import done, page, undo_of
from registry.web.views import collections, projects


@page("POST")
def of_collection(request: HttpRequest, actor: Actor, **place: str) -> HttpResponse:
    """Set the policy of a collection."""
    here = collections.found(actor, **place)
    check(actor, Act.SET_POLICY, here.project)
    form = _form(request, actor, here)
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
    since = undoing.newest()
    if form.act(retention.set_policy, actor, target=context["project"]):
        undo = undo_of(actor, context["project"], since)
        return _saved(request, "projects:settings", {"entity": entity, "project": project}, undo)
    return projects.show_settings(request, actor, context, policy_form=form)


def _form(request: HttpRequest, actor: Actor, target: Place) -> PolicyForm:
    return PolicyForm(request.POST, now=policies.read(actor, target=target).ttl)


def _saved(request: HttpRequest, name: str, place: dict[str, Any], undo: str) -> HttpResponse:
    return done(request, "The time to live is saved.", reverse(name, kwargs=place), undo=undo)

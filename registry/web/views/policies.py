"""The time-to-live policies of projects and collections: a section of their settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.policy import Act, check
from registry.services import retention
from registry.web.forms.policies import PolicyForm
from registry.web.pages import done, page
from registry.web.views import collections, projects


@page("POST")
def of_collection(request: HttpRequest, actor: Actor, **place: str) -> HttpResponse:
    """Set the policy of a collection."""
    here = collections.found(actor, **place)
    check(actor, Act.SET_POLICY, here.project)
    form = PolicyForm(request.POST)
    if form.act(retention.set_policy, actor, target=here):
        return _saved(request, "collections:settings", place)
    return collections.show_settings(request, actor, here, policy_form=form)


@page("POST")
def of_project(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """Set the policy of a project."""
    context = projects.frame(actor, entity, project, "settings")
    check(actor, Act.SET_POLICY, context["project"])
    form = PolicyForm(request.POST)
    if form.act(retention.set_policy, actor, target=context["project"]):
        return _saved(request, "projects:settings", {"entity": entity, "project": project})
    return projects.show_settings(request, actor, context, policy_form=form)


def _saved(request: HttpRequest, name: str, place: dict[str, Any]) -> HttpResponse:
    return done(request, "The time to live is saved.", reverse(name, kwargs=place))

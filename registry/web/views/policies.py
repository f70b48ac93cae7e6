"""The time-to-live policies of projects and collections: a section of their settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from strongroom.core.ttl import Ttl

from registry.actor import Actor
from registry.errors import PreviewChanged
from registry.policy import Act, check
from registry.services import confirming, policies, previews, retention, undoing
from registry.services.confirming import Shown
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
    if _save(request, actor, here, form):
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
    if _save(request, actor, context["project"], form):
        undo = undo_of(actor, context["project"], since)
        return _saved(request, "projects:settings", {"entity": entity, "project": project}, undo)
    return projects.show_settings(request, actor, context, policy_form=form)


def _form(request: HttpRequest, actor: Actor, target: Place) -> PolicyForm:
    """Return the form, with what it would delete where that is asked for."""
    form = PolicyForm(request.POST, now=policies.read(actor, target=target).ttl)
    if "preview" in request.POST and form.is_valid():
        form.shown = _shown(actor, target, form, form.given()["ttl"])
    return form


def _shown(
    actor: Actor, target: Place, form: PolicyForm, ttl: Ttl, *, with_bytes: bool = True
) -> Shown | None:
    """What a policy would delete; None where it can't be set at all, which the form says then."""
    wanted = form.planned(lambda: previews.plan(actor, place=target, ttl=ttl))
    return confirming.show(wanted, with_bytes=with_bytes) if wanted else None


def _save(request: HttpRequest, actor: Actor, target: Place, form: PolicyForm) -> bool:
    """Save the policy; one that lets versions expire only when that was shown and confirmed."""
    if not form.is_valid():
        return False
    token, ttl = request.POST.get("confirms") or None, form.given()["ttl"]
    if token is None and ttl != form.now:
        found = _shown(actor, target, form, ttl, with_bytes=False)
        if found is None:
            return False
        form.asks = found.preview.expire > 0
    if not form.asks and form.act(retention.set_policy, actor, target=target, preview=token):
        return True
    form.asks = form.asks or isinstance(form.refusal, PreviewChanged)
    if form.asks:
        form.shown = _shown(actor, target, form, ttl)
    return False


def _previewed(request: HttpRequest, form: PolicyForm) -> HttpResponse | None:
    """What the form would delete, alone for htmx; the page shows it in its place."""
    if not is_fragment(request):
        return None
    return render(request, "components/_policy_impact.html", {"policy_form": form})


def _saved(request: HttpRequest, name: str, place: dict[str, Any], undo: str) -> HttpResponse:
    return done(request, "The time to live is saved.", reverse(name, kwargs=place), undo=undo)

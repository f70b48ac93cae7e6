"""The references of a version: how they were found, which are not as recorded, and a new version from what is there."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.errors import RateLimited
from registry.models import Membership, ReferenceDrift, Version
from registry.policy import Act
from registry.services import drifts, relogging, renewals
from registry.services.commits import Committed
from registry.services.sourcing import check_source
from registry.web import orders, searches
from registry.web.forms.drift import LogAgainForm
from registry.web.pager import paged
from registry.web.pages import act_of, done, page, show
from registry.web.views.versions import found, frame

_STATES = {"state": ("State", ReferenceDrift.State.choices)}


@page("GET", "POST")
def listing(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The counts, and the references that are not as they were recorded; while a look goes on it is asked again."""
    membership, refusal = found(actor, **place), ""
    if request.method == "POST":
        check_source(actor, Act.EDIT, membership)
        act_of(request, ("check",))
        try:
            drifts.ask(actor, membership=membership)
            return done(request, "The references are being checked.", request.path)
        except RateLimited as error:
            refusal = str(error)
    context = _shown(request, actor, membership) | {"refusal": refusal}
    status = RateLimited.status if refusal else 200
    return show(request, "versions/drift.html", context, fragment="versions/_drift.html", status=status)


def _shown(request: HttpRequest, actor: Actor, membership: Membership) -> dict[str, Any]:
    asked, choices = searches.of(request, _STATES)
    watch = drifts.of_version(actor, membership)
    rows = drifts.listing(actor, membership=membership, **asked.given())
    return frame(actor, membership, "files") | {
        "asked": asked,
        "choices": choices,
        "watch": watch,
        "checking": watch is not None and drifts.is_under_way(watch),
        "period": drifts.period(),
        "pager": paged(request, rows, orders.DRIFT, by_time=False),
    }


@page("GET", "POST")
def log(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """Say what a new version from what is there now would be; then log it."""
    membership = found(actor, **place)
    check_source(actor, Act.LOG, membership)
    plan = relogging.plan(actor, membership=membership)
    form = LogAgainForm(request.POST if request.method == "POST" else None, mark=plan.mark)
    if request.method == "POST" and form.act(renewals.ask, actor, membership=membership):
        return done(request, *_told(form.result))
    context = frame(actor, membership, "files") | {"plan": plan, "form": form}
    return show(request, "versions/drift_log.html", context, status=form.status)


def _told(found: Committed | Version) -> tuple[str, str]:
    """Say what came of it, and where that is to be seen."""
    if isinstance(found, Version):
        project = found.sequence.project
        return "A worker makes the version.", f"{project.get_absolute_url()}/pending/{found.public_id}"
    made = found.membership
    said = f"{made.name} is logged." if found.created else "All is as recorded: nothing was logged."
    return said, made.get_absolute_url()

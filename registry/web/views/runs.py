"""Runs: the list, and what one used and logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.http.paging import Order
from registry.models import Membership, Run
from registry.policy import Act, check
from registry.services import projects, runs
from registry.web import orders, searches, snippets
from registry.web.forms.runs import RunForm
from registry.web.pager import Pager, bounded_count, paged
from registry.web.pages import done, page, rights, show
from registry.web.views.projects import frame

_EDGES = 100


@page()
def listing(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """A project's runs, newest first."""
    context = frame(actor, entity, project, "runs")
    asked, choices = searches.of(request, {"state": ("State", Run.State.choices)})
    found = runs.listing(actor, project=context["project"], **asked.given()).without_cards()
    pager = paged(request, found, orders.RUNS)
    context |= {"pager": pager, "asked": asked, "choices": choices}
    context["matches"] = bounded_count(found) if asked.any else ""
    context["first_run"] = snippets.first_run(context["project"])
    return show(request, "runs/list.html", context)


@page("GET", "POST")
def detail(request: HttpRequest, actor: Actor, entity: str, project: str, run: str) -> HttpResponse:
    """One run: who, when, what it used, what it logged, configuration and summary; its display name is given here."""
    place = projects.find(actor, entity, project)
    found = runs.find(actor, place, run)
    if request.method == "POST":
        check(actor, Act.LOG, place)
    form = RunForm(request.POST if request.method == "POST" else None, initial=vars(found))
    if request.method == "POST" and form.act(runs.edit, actor, run=found):
        return done(request, f"The run is shown as {form.result}.", found.get_absolute_url())
    context = {
        "project": place,
        "run": found,
        "form": form,
        "may": rights(actor, place),
        **_done_by(request, actor, found),
    }
    return show(request, "runs/detail.html", context, status=form.status)


def _done_by(request: HttpRequest, actor: Actor, run: Run) -> dict[str, Any]:
    """What a run used and logged."""
    return {
        "in_trash": runs.outputs_in_trash(actor, run),
        "inputs": _edges(request, runs.inputs(actor, run).without_cards(), orders.EDGES_IN, "in-"),
        "outputs": _edges(request, runs.outputs(actor, run).without_cards(), orders.EDGES_OUT, "out-"),
    }


def _edges(
    request: HttpRequest, rows: QuerySet[Membership], known: Mapping[str, Order], prefix: str
) -> Pager:
    return paged(request, rows, known, limit=_EDGES, by_time=False, prefix=prefix)

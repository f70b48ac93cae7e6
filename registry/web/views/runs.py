"""Runs: the list, and what one used and logged."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.http.paging import Order
from registry.models import Membership, Run
from registry.services import projects, runs
from registry.web import orders, searches, snippets
from registry.web.pager import Pager, bounded_count, paged
from registry.web.pages import page, show
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


@page()
def detail(request: HttpRequest, actor: Actor, entity: str, project: str, run: str) -> HttpResponse:
    """One run: who, when, what it used, what it logged, configuration and summary."""
    place = projects.find(actor, entity, project)
    found = runs.find(actor, place, run)
    context = {
        "project": place,
        "run": found,
        "in_trash": runs.outputs_in_trash(actor, found),
        "inputs": _edges(request, runs.inputs(actor, found).without_cards(), orders.EDGES_IN, "in-"),
        "outputs": _edges(request, runs.outputs(actor, found).without_cards(), orders.EDGES_OUT, "out-"),
    }
    return show(request, "runs/detail.html", context)


def _edges(
    request: HttpRequest, rows: QuerySet[Membership], known: Mapping[str, Order], prefix: str
) -> Pager:
    return paged(request, rows, known, limit=_EDGES, by_time=False, prefix=prefix)

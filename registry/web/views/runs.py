"""Runs: the list, and what one used and logged."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.services import projects, runs
from registry.web import orders
from registry.web.pager import paged
from registry.web.pages import page, show
from registry.web.views.projects import frame

_EDGES = 200


@page()
def listing(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """A project's runs, newest first."""
    context = frame(actor, entity, project, "runs")
    pager = paged(request, runs.listing(actor, project=context["project"]), orders.RUNS)
    return show(request, "runs/list.html", {**context, "pager": pager})


@page()
def detail(request: HttpRequest, actor: Actor, entity: str, project: str, run: str) -> HttpResponse:
    """One run: who, when, what it used, what it logged, configuration and summary."""
    place = projects.find(actor, entity, project)
    found = runs.find(actor, place, run)
    context = {
        "project": place,
        "run": found,
        "inputs": runs.inputs(actor, found)[:_EDGES],
        "outputs": runs.outputs(actor, found)[:_EDGES],
    }
    return show(request, "runs/detail.html", context)

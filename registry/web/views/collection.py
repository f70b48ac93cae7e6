"""Garbage collection, for admins of the installation: what it would give back, starting it, watching it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from registry import jobs
from registry.actor import Actor
from registry.policy import Act, check
from registry.schedule import COLLECT, PREVIEW_COLLECTION
from registry.services import collecting
from registry.services._common import now
from registry.web.pages import act_of, done, page, show

_LISTED = 20
_SAID = {
    "preview": "Counting has begun.",
    "collect": "The collection has begun.",
    "stop": "It ends after what it is doing now; the next round finds what is left.",
}


@page("GET", "POST")
def collection(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The last count and the last rounds; while one runs, this piece of the page is asked for again."""
    check(actor, Act.ADMINISTER, None)
    act = act_of(request, _SAID)
    if act == "stop":
        collecting.stop(actor)
    elif act:
        collecting.start(actor, COLLECT if act == "collect" else PREVIEW_COLLECTION)
    if act:
        return done(request, _SAID[act], request.path)
    return show(request, "installation/collection.html", _shown(), fragment="installation/_collection.html")


def _shown() -> dict[str, Any]:
    rounds, counts = (jobs.runs_of(task, _LISTED) for task in (COLLECT, PREVIEW_COLLECTION))
    for run in (*rounds, *counts):
        # One that has just begun, or failed at once, has counted nothing yet.
        run.counts = collecting.Round().counts() | run.counts
    return {
        "tab": "collection",
        "rounds": rounds,
        "counted": next(iter(counts), None),
        "running": next((run for run in (*rounds, *counts) if run.state == run.State.RUNNING), None),
        "protection": collecting.protection(),
        "next": jobs.next_run(COLLECT, now()),
    }

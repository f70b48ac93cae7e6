"""Background work, for admins: what ran, what runs next, what failed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from registry import jobs, queue
from registry.actor import Actor
from registry.policy import Act, check
from registry.services import alarms, fsck
from registry.web.pages import done, page, show


@page()
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Each periodic task with its last run, its next one, the failures of the last week; and what runs the queue."""
    check(actor, Act.ADMINISTER, None)
    checks = fsck.last_runs(actor)
    context: dict[str, Any] = {"tab": "jobs", "jobs": jobs.status(timezone.now()), "queue": queue.server()}
    context |= {"checks": checks, "findings": fsck.still_wrong(actor, checks)}
    return show(request, "installation/jobs.html", context)


@page("POST")
def noted(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Take note of the damage that pages warn of."""
    alarms.acknowledge(actor)
    said = "The warning is gone. Pages warn again when something else is found."
    return done(request, said, reverse("installation:jobs"))

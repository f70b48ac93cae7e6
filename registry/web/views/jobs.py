"""Background work, for admins: what ran, what runs next, what failed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from registry import jobs, queue
from registry.actor import Actor
from registry.policy import Act, check
from registry.web.pages import page, show


@page()
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Each periodic task with its last run, its next one, the failures of the last week; and what runs the queue."""
    check(actor, Act.ADMINISTER, None)
    context = {"tab": "jobs", "jobs": jobs.status(timezone.now()), "queue": queue.server()}
    return show(request, "installation/jobs.html", context)

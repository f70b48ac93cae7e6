"""The checks of a version in a registry, as they stand, and having them made again."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.policy import Act, check
from registry.services import version_checks
from registry.web.pages import act_of, done, page, show
from registry.web.version_checks import shown
from registry.web.views.versions import found, frame


@page("GET", "POST")
def listing(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The checks, asked for again while some run."""
    membership = found(actor, **place)
    if request.method == "POST":
        check(actor, Act.POST_CHECK, membership.collection.project)
        act_of(request, ("run_checks",))
        version_checks.rerun(actor, membership=membership)
        return done(request, "The checks run again.", membership.get_absolute_url())
    context = frame(actor, membership, "overview") | shown(actor, membership)
    return show(request, "versions/checks.html", context, fragment="versions/_checks.html")

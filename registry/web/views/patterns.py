"""The pattern page: every component in each of its states; it has a route only with STRONGROOM_DEBUG=1."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.web import snippets, specimens
from registry.web.pages import page, show

# As whom the page is looked at: what one may do decides what most parts show.
SEEN_AS = {
    "admin": "As an admin",
    "editing": "Editing in place",
    "refused": "Refused",
    "reader": "As a reader",
}


@page()
def patterns(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Show the components, made of the partials that the pages are made of."""
    asked = request.GET.get("as", "")
    who = asked if asked in SEEN_AS else "admin"
    context = specimens.context(who, snippets.base_url(request))
    return show(request, "patterns/page.html", {**context, "seen_as": SEEN_AS})

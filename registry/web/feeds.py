"""A page of events, narrowed as the address says, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from registry.actor import Actor
from registry.models import EventSeal, Membership
from registry.services import event_names
from registry.services.audit import Rows
from registry.web import orders, told
from registry.web.forms.events import EventsForm
from registry.web.pager import Pager, paged
from registry.web.told import Story


def listing(
    request: HttpRequest,
    actor: Actor,
    form: EventsForm,
    read: Callable[..., Rows],
    *,
    origin: bool,
    loser: Membership | None = None,
) -> dict[str, Any]:
    """Return what the page shows: the form, and what `read` lists when it is given what the form asks for."""
    if not form.is_valid():
        return {"form": form, "pager": Pager([]), "stories": []}
    pager = paged(request, read(**form.given()), orders.EVENTS)
    stories = told.tell(actor, pager.rows, origin=origin, loser=loser)
    return {"form": form, "pager": pager, "stories": stories}


@dataclass(frozen=True, slots=True)
class Opened:
    """The event whose details are shown: its story, and its place in the chain, if it has that already."""

    story: Story
    seal: EventSeal | None


def opened(request: HttpRequest, stories: Sequence[Story]) -> Opened | None:
    """Return what the address opens among the events of the page."""
    wanted = request.GET.get("event", "")
    for story in stories:
        if str(story.event.pk) == wanted:
            return Opened(story, event_names.seals_of([story.event]).get(story.event.pk))
    return None

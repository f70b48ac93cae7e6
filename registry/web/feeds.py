"""A page of events, narrowed as the address says, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from registry.actor import Actor
from registry.models import Membership
from registry.services.audit import Rows
from registry.web import orders, told
from registry.web.forms.events import EventsForm
from registry.web.pager import Pager, paged


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

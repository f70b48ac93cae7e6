"""Events."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import COUNT, TEXT, TIME, moment, record
from registry.api.shapes import component
from registry.models import Event

EVENT = component(
    "Event",
    record(
        {
            "id": COUNT,
            "at": TIME,
            "act": TEXT,
            "actor": TEXT,
            "door": TEXT,
            "address": TEXT,
            "key_prefix": TEXT,
            "subject": TEXT,
            "before": {},
            "after": {},
        }
    ),
)
EVENT_PAGE = page_of(EVENT, "EventPage")


def event(row: Event) -> dict[str, Any]:
    """Represent an event: who, when, from where, before and after."""
    return {
        "id": row.pk,
        "at": moment(row.at),
        "act": row.act,
        "actor": row.actor_name,
        "door": row.door,
        "address": row.address,
        "key_prefix": row.key_prefix,
        "subject": row.subject,
        "before": row.before,
        "after": row.after,
    }

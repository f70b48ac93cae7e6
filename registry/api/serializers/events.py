"""Events."""

from __future__ import annotations

from registry.api.schema import page_of
from registry.api.serializers._common import COUNT, MAYBE_TEXT, TEXT, TIME, record
from registry.api.shapes import component

_ORIGIN = {"type": ["string", "null"], "description": "null for who may not audit the entity"}
EVENT = component(
    "Event",
    record(
        {
            "id": COUNT,
            "at": TIME,
            "act": TEXT,
            "actor": TEXT,
            "door": TEXT,
            "address": _ORIGIN,
            "key_prefix": _ORIGIN,
            "entity": MAYBE_TEXT,
            "project": MAYBE_TEXT,
            "collection": MAYBE_TEXT,
            "version": MAYBE_TEXT,
            "version_id": MAYBE_TEXT,
            "taken_from": MAYBE_TEXT,
            "subject": TEXT,
            "before": {},
            "after": {},
            "digest": _ORIGIN,
            "position": {
                "type": ["integer", "null"],
                "description": "The place in the chain of all events; null for who may not audit the entity",
            },
            "hash": _ORIGIN,
        }
    ),
)
EVENT_PAGE = page_of(EVENT, "EventPage")

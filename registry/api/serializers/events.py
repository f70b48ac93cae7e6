"""Events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import COUNT, MAYBE_TEXT, TEXT, TIME, moment, record
from registry.api.serializers.versions import public_id
from registry.api.shapes import component
from registry.models import Event
from registry.services import audit
from registry.services.audit import Names

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
        }
    ),
)
EVENT_PAGE = page_of(EVENT, "EventPage")


def events(rows: Sequence[Event], *, origin: bool) -> list[dict[str, Any]]:
    """Represent events; `origin` says that the reader may see addresses and keys."""
    names = audit.names_of(rows)
    return [_event(row, names, origin) for row in rows]


def _event(row: Event, names: Names, origin: bool) -> dict[str, Any]:
    number = names.numbers.get((row.collection_id or 0, row.version_id or 0))
    return {
        "id": row.pk,
        "at": moment(row.at),
        "act": row.act,
        "actor": row.actor_name,
        "door": row.door,
        "address": row.address if origin else None,
        "key_prefix": row.key_prefix if origin else None,
        "entity": names.entities.get(row.entity_id or 0),
        "project": names.projects.get(row.project_id or 0),
        "collection": names.collections.get(row.collection_id or 0),
        "version": None if number is None else f"v{number}",
        "version_id": _id(row.version_id),
        "taken_from": _id(row.taken_from_id),
        "subject": row.subject,
        "before": row.before,
        "after": row.after,
    }


def _id(version: int | None) -> str | None:
    return None if version is None else public_id(version)

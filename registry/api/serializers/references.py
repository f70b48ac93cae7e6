"""References that the server resolves for a draft."""

from __future__ import annotations

from typing import Any

from strongroom.core.entries import LONGEST_TEXT
from strongroom.core.references.base import MAX_OBJECTS

from registry.api.schema import page_of
from registry.api.serializers._common import (
    COUNT,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    TRUTH,
    maybe_moment,
    moment,
    record,
    words,
)
from registry.api.shapes import FLAG, Body, component, integer, text
from registry.models import ReferenceOrder, Version
from registry.services.references import STATES, Outlook

ORDER = component(
    "ReferenceToResolve",
    record(
        {
            "id": COUNT,
            "uri": TEXT,
            "name": TEXT,
            "checksum": TRUTH,
            "max_objects": COUNT,
            "state": words(*ReferenceOrder.State.values),
            "code": MAYBE_TEXT,
            "message": MAYBE_TEXT,
            "found": COUNT,
            "size": COUNT,
            "attempts": COUNT,
            "try_at": MAYBE_TIME,
            "created_at": TIME,
            "started_at": MAYBE_TIME,
            "finished_at": MAYBE_TIME,
        }
    ),
)
ORDER_PAGE = page_of(ORDER, "ReferenceToResolvePage")
RESOLUTION = component(
    "Resolution",
    record(
        {
            "draft": TEXT,
            "draft_state": words(*Version.State.values),
            "state": words(*STATES),
            "commit_asked_at": MAYBE_TIME,
            "renews": MAYBE_TEXT,
            "references": COUNT,
            "open": COUNT,
            "failed": COUNT,
            "found": COUNT,
            "size": COUNT,
            "code": MAYBE_TEXT,
            "message": MAYBE_TEXT,
        }
    ),
)
RETRIED = component("Retried", record({"retried": COUNT}))
REFER = Body(
    "ReferenceToAdd",
    required={"uri": text(LONGEST_TEXT, least=1)},
    optional={"name": text(LONGEST_TEXT), "checksum": FLAG, "max_objects": integer(1, MAX_OBJECTS)},
)


def order(row: ReferenceOrder) -> dict[str, Any]:
    """Represent one reference."""
    return {
        "id": row.pk,
        "uri": row.uri,
        "name": row.name,
        "checksum": row.checksum,
        "max_objects": row.max_objects,
        "state": row.state,
        "code": row.code or None,
        "message": row.why or None,
        "found": row.found_count,
        "size": row.found_bytes,
        "attempts": row.attempts,
        "try_at": maybe_moment(row.try_at),
        "created_at": moment(row.created_at),
        "started_at": maybe_moment(row.started_at),
        "finished_at": maybe_moment(row.finished_at),
    }


def resolution(found: Outlook) -> dict[str, Any]:
    """Represent how far a draft is."""
    held = found.resolution
    return {
        "draft": found.draft.public_id,
        "draft_state": found.draft.state,
        "state": found.state,
        "commit_asked_at": maybe_moment(held.asked_at) if held else None,
        "renews": held.renews.public_id if held and held.renews else None,
        "references": found.total,
        "open": found.open,
        "failed": found.failed,
        "found": found.found_count,
        "size": found.found_bytes,
        "code": (held.code or None) if held else None,
        "message": (held.why or None) if held else None,
    }

"""How the references of a version were found, and those that are not as they were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.api.serializers._common import (
    ANY_OBJECT,
    COUNT,
    MAYBE_COUNT,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    TRUTH,
    listed,
    maybe_moment,
    moment,
    record,
    words,
)
from registry.api.shapes import Body, component, text
from registry.models import ReferenceDrift, ReferenceWatch
from registry.services import drifts

_COUNTS = ("changed", "missing", "unreachable", "unwatched")
SUMMARY = component(
    "References",
    record(
        {
            "references": MAYBE_COUNT,
            "ok": COUNT,
            **dict.fromkeys(_COUNTS, COUNT),
            "state": words("", "ok", *drifts.STATES),
            "checked_at": MAYBE_TIME,
            "next_check_at": MAYBE_TIME,
            "checking": TRUTH,
            "seen": COUNT,
        }
    ),
)
DRIFT = component(
    "ReferenceDrift",
    record(
        {
            "path": TEXT,
            "uri": TEXT,
            "state": words(*drifts.STATES),
            "since": TIME,
            "checked_at": TIME,
            "why": TEXT,
            "digest": MAYBE_TEXT,
            "size": MAYBE_COUNT,
            "extra": ANY_OBJECT,
            "others": COUNT,
        }
    ),
)
DRIFT_PAGE = component(
    "ReferenceDriftPage", record({"summary": SUMMARY, "results": listed(DRIFT), "next": MAYBE_TEXT})
)
TO_LOG = Body("LogAgain", optional={"preview": text(128, least=1)}, empty_ok=True)


def summary(watch: ReferenceWatch | None) -> dict[str, Any]:
    """Represent what is known of a version's references; of one without any, that there are none."""
    if watch is None:
        none = {"references": 0, "ok": 0, **dict.fromkeys(_COUNTS, 0), "state": "", "checked_at": None}
        return {**none, "next_check_at": None, "checking": False, "seen": 0}
    return {
        "references": watch.total,
        "ok": watch.ok if watch.checked_at else 0,
        **{name: getattr(watch, name) for name in _COUNTS},
        "state": watch.state,
        "checked_at": maybe_moment(watch.checked_at),
        "next_check_at": None if drifts.period() is None else moment(watch.next_at),
        "checking": drifts.is_under_way(watch),
        "seen": watch.seen,
    }


def lines(rows: Sequence[ReferenceDrift]) -> list[dict[str, Any]]:
    """Represent references that are not as they were recorded."""
    return [
        {
            "path": row.path,
            "uri": row.uri,
            "state": row.state,
            "since": moment(row.since),
            "checked_at": moment(row.checked_at),
            "why": row.why,
            "digest": row.digest or None,
            "size": row.size,
            "extra": row.extra,
            "others": row.others,
        }
        for row in rows
    ]

"""Checks of versions and promotions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.api.serializers._common import (
    ANY_OBJECT,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    TRUTH,
    listed,
    maybe_moment,
    moment,
    name_of,
    record,
    words,
)
from registry.api.shapes import Body, component, many, one_of, text
from registry.models import CheckName
from registry.services import version_checks
from registry.services.promotion_checks import Standing

CHECK = component(
    "Check",
    record(
        {
            "name": TEXT,
            "title": TEXT,
            "state": words(*version_checks.STATES),
            "required": TRUTH,
            "built_in": TRUTH,
            "finding": TEXT,
            "link": TEXT,
            "posted_by": TEXT,
            "updated_at": MAYBE_TIME,
            "details": ANY_OBJECT,
        }
    ),
)
CHECKS = component("Checks", record({"results": listed(CHECK)}))
STARTED = component("StartedChecks", record({"checks": listed(TEXT)}))
NAME = component(
    "CheckName", record({"name": TEXT, "owner": MAYBE_TEXT, "key": MAYBE_TEXT, "created_at": TIME})
)
NAMES = component("CheckNames", record({"results": listed(NAME), "next": MAYBE_TEXT}))
TO_POST = Body(
    "PostedCheck",
    required={"name": text(128, least=1), "state": one_of(*version_checks.STATES)},
    optional={
        "finding": text(version_checks.LONGEST_FINDING),
        "link": text(version_checks.LONGEST_LINK),
    },
)
TO_RERUN = Body("ChecksToRun", optional={"checks": many(text(128, least=1), most=50)}, empty_ok=True)


def check(found: Standing) -> dict[str, Any]:
    """Represent how a check stands."""
    return {
        "name": found.name,
        "title": found.title,
        "state": str(found.state),
        "required": found.required,
        "built_in": found.built_in,
        "finding": found.finding,
        "link": found.link,
        "posted_by": found.by,
        "updated_at": maybe_moment(found.at),
        "details": dict(found.details),
    }


def checks(found: Sequence[Standing]) -> dict[str, Any]:
    """Represent all of them, failed ones first."""
    return {"results": [check(each) for each in found]}


def names(rows: Sequence[CheckName]) -> list[dict[str, Any]]:
    """Represent whose names are whose."""
    return [
        {
            "name": row.name,
            "owner": name_of(row.owner),
            "key": None if row.key is None else f"{row.key.prefix}…",
            "created_at": moment(row.created_at),
        }
        for row in rows
    ]

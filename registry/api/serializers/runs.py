"""Runs."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import (
    ANY_OBJECT,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    listed,
    maybe,
    maybe_moment,
    moment,
    name_of,
    record,
    words,
)
from registry.api.shapes import FLAG, NAME, OBJECT, Body, component, one_of, text
from registry.models import Run

RUN = component(
    "Run",
    record(
        {
            "name": TEXT,
            "display_name": TEXT,
            "entity": TEXT,
            "project": TEXT,
            "state": words(*Run.State.values),
            "job_type": TEXT,
            "config": ANY_OBJECT,
            "summary": ANY_OBJECT,
            "created_at": TIME,
            "finished_at": MAYBE_TIME,
            "created_by": MAYBE_TEXT,
            "url": TEXT,
        }
    ),
)
RUN_PAGE = page_of(RUN, "RunPage")
LINEAGE = component(
    "VersionRuns", record({"logged_by": maybe(RUN), "used_by": listed(RUN), "next": MAYBE_TEXT})
)

_LABEL = text(256)
NEW_RUN = Body(
    "RunToMake",
    optional={"name": NAME, "display_name": _LABEL, "job_type": _LABEL, "config": OBJECT, "heartbeat": FLAG},
    empty_ok=True,
)
RUN_CHANGES = Body(
    "RunChanges",
    optional={
        "state": one_of(*Run.State.values),
        "summary": OBJECT,
        "config": OBJECT,
        "display_name": _LABEL,
    },
)
OUTPUT = Body("Output", required={"artifact": text(1024, least=1)})
USE = Body("Use", required={"artifact": text(1024, least=1)}, optional={"use_as": _LABEL})


def run(row: Run, base_url: str) -> dict[str, Any]:
    """Represent a run."""
    return {
        "name": row.name,
        "display_name": row.display_name,
        "entity": row.project.entity.name,
        "project": row.project.name,
        "state": row.state,
        "job_type": row.job_type,
        "config": row.config,
        "summary": row.summary,
        "created_at": moment(row.created_at),
        "finished_at": maybe_moment(row.finished_at),
        "created_by": name_of(row.created_by),
        "url": base_url + row.get_absolute_url(),
    }

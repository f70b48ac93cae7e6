"""What a team's retention is, and what a policy would delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import (
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
    name_of,
    record,
    words,
)
from registry.api.shapes import FLAG, TTL, Body, Changes, Kind, component, integer, nullable, one_of, text
from registry.http import moments
from registry.models import Collection, Membership, Team
from registry.services.confirming import Shown
from registry.services.previews import REASONS


def _is_moment(value: Any) -> bool:
    try:
        return type(value) is str and moments.read(value) is not None
    except ValueError:
        return False


MOMENT = Kind(
    {"type": "string", "format": "date-time"},
    _is_moment,
    "a date and time with its offset, such as 2030-01-31T00:00:00Z",
)
RULES = {
    "inherited_ttl_spares_aliased": FLAG,
    "kept_newest": integer(0, 1000),
    "ttl_grace_until": nullable(MOMENT),
}
RETENTION = component(
    "TeamRetention",
    record(
        {
            "ttl": TTL.schema,
            "ttl_editors": words(*Team.TtlEditors.values),
            "inherited_ttl_spares_aliased": TRUTH,
            "kept_newest": COUNT,
            "ttl_grace_until": MAYBE_TIME,
        }
    ),
)
CHANGES = Changes(
    "TeamRetentionChanges",
    optional={"ttl": TTL, "ttl_editors": one_of(*Team.TtlEditors.values), **RULES, "preview": text(8192)},
)
PLAN = Body("TtlPlan", required={"ttl": TTL})
ENTITY_PLAN = Body("EntityTtlPlan", required={"ttl": TTL}, optional=RULES)
_KEPT = record(dict.fromkeys(REASONS, COUNT))
PREVIEW = component(
    "TtlPreview",
    record(
        {
            "preview": TEXT,
            "counted_at": TIME,
            "versions": COUNT,
            "on_grace_date": COUNT,
            "size": COUNT,
            "freed": MAYBE_COUNT,
            "first": MAYBE_TIME,
            "last": MAYBE_TIME,
            "already": COUNT,
            "kept": _KEPT,
            "weeks": listed(record({"start": TIME, "versions": COUNT, "on_grace_date": COUNT})),
            "collections": listed(
                record(
                    {
                        "project": TEXT,
                        "collection": TEXT,
                        "versions": COUNT,
                        "size": COUNT,
                        "freed": MAYBE_COUNT,
                        "first": MAYBE_TIME,
                        "kept": _KEPT,
                    }
                )
            ),
        }
    ),
)
EXPIRING = component(
    "ExpiringVersion",
    record(
        {
            "project": TEXT,
            "collection": TEXT,
            "version": TEXT,
            "size": COUNT,
            "created_at": TIME,
            "created_by": MAYBE_TEXT,
            "expires_at": MAYBE_TIME,
        }
    ),
)
EXPIRING_PAGE = page_of(EXPIRING, "ExpiringVersionPage")


def retention(team: Team, ttl: str | int) -> dict[str, Any]:
    """Represent all that a team settled for its versions."""
    return {
        "ttl": ttl,
        "ttl_editors": team.ttl_editors,
        "inherited_ttl_spares_aliased": team.inherited_ttl_spares_aliased,
        "kept_newest": team.kept_newest,
        "ttl_grace_until": maybe_moment(team.ttl_grace_until),
    }


def given(data: Mapping[str, Any]) -> dict[str, Any]:
    """Read the moment among settings."""
    until = data.get("ttl_grace_until")
    return {**data, "ttl_grace_until": moments.read(until)} if until else dict(data)


def preview(shown: Shown, places: Mapping[int, Collection]) -> dict[str, Any]:
    """Represent what a plan would delete; `preview` confirms it."""
    found, freed = shown.preview, shown.freed
    return {
        "preview": shown.token,
        "counted_at": moment(found.at),
        "versions": found.expire,
        "on_grace_date": found.backlog,
        "size": found.size,
        "freed": freed.size if freed else None,
        "first": maybe_moment(found.first),
        "last": maybe_moment(found.last),
        "already": found.already,
        "kept": {name: found.kept[name] for name in REASONS},
        "weeks": [
            {"start": moment(week.start), "versions": week.versions, "on_grace_date": week.backlog}
            for week in found.weeks()
            if week.versions
        ],
        "collections": [
            {
                "project": places[each.pk].project.name,
                "collection": places[each.pk].name,
                "versions": each.expire,
                "size": each.size,
                "freed": freed.collections[each.pk] if freed else None,
                "first": maybe_moment(each.first),
                "kept": {name: each.kept[name] for name in REASONS},
            }
            for each in found.collections.values()
            if each.pk in places
        ],
    }


def expiring(rows: Sequence[Membership], dues: Mapping[int, datetime]) -> list[dict[str, Any]]:
    """Represent versions that would expire."""
    return [
        {
            "project": row.collection.project.name,
            "collection": row.collection.name,
            "version": f"v{row.number}",
            "size": row.version.size,
            "created_at": moment(row.version.created_at),
            "created_by": name_of(row.version.created_by),
            "expires_at": maybe_moment(dues.get(row.pk)),
        }
        for row in rows
    ]

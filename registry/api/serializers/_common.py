"""Small pieces that the shapes of several nouns share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from registry.api.shapes import Schema
from registry.http import moments

if TYPE_CHECKING:
    from registry.models import User

TEXT: Schema = {"type": "string"}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
MAYBE_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
TIME: Schema = {"type": "string", "format": "date-time"}
MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
TEXTS: Schema = {"type": "array", "items": TEXT}
ANY_OBJECT: Schema = {"type": "object"}
TRUTH: Schema = {"type": "boolean"}


def words(*values: str) -> Schema:
    """One of a few words."""
    return {"type": "string", "enum": list(values)}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"oneOf": [schema, {"type": "null"}]}


def record(properties: Mapping[str, Schema]) -> Schema:
    """An object with exactly these fields, all of them always there."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def listed(item: Schema) -> Schema:
    """A list of one kind."""
    return {"type": "array", "items": item}


# Aliases that something restored had, and that another version holds by now.
MOVED_ON: Schema = listed(record({"alias": TEXT, "version": TEXT}))


def moved_on(found: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Represent such aliases with the versions that hold them now."""
    return [{"alias": alias, "version": holder} for alias, holder in found]


def moment(at: datetime) -> str:
    """ISO 8601 in UTC with `Z`; times come from the database in UTC."""
    return moments.write(at)


def maybe_moment(at: datetime | None) -> str | None:
    """The same, or None."""
    return None if at is None else moment(at)


def name_of(user: User | None) -> str | None:
    """Who it was; None when nobody, or nobody any more."""
    return None if user is None else user.username

"""People and their API keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import (
    COUNT,
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
from registry.api.shapes import NAME, Body, Kind, component, nullable
from registry.http import moments
from registry.models import ApiKey, Entity, Role, User

ENTITY_KIND = words(*Entity.Kind.values)
ROLE = words(*Role.values)
ME = component(
    "Me",
    record(
        {
            "username": TEXT,
            "full_name": TEXT,
            "email": TEXT,
            "is_admin": TRUTH,
            "default_entity": TEXT,
            "entities": listed(record({"name": TEXT, "kind": ENTITY_KIND, "role": ROLE})),
        }
    ),
)
_KEY = {
    "id": COUNT,
    "name": TEXT,
    "prefix": TEXT,
    "created_at": TIME,
    "expires_at": MAYBE_TIME,
    "last_used_at": MAYBE_TIME,
}
KEY = component("Key", record(_KEY))
KEY_PAGE = page_of(KEY, "KeyPage")
NEW_KEY_ANSWER = component(
    "NewKey", record({**_KEY, "key": {"type": "string", "description": "The secret; it is shown this once"}})
)


def _is_moment(value: Any) -> bool:
    try:
        return type(value) is str and bool(moments.read(value))
    except ValueError:
        return False


NEW_KEY = Body(
    "KeyToMake",
    required={"name": NAME},
    optional={
        "expires_at": nullable(
            Kind(
                {"type": "string", "format": "date-time"},
                _is_moment,
                "a date and time with its offset, such as 2030-01-31T00:00:00Z",
            )
        )
    },
)


def me(user: User, default: Entity, entities: Sequence[tuple[Entity, Role]]) -> dict[str, Any]:
    """Represent who asks."""
    return {
        "username": user.username,
        "full_name": user.full_name,
        "email": user.email,
        "is_admin": user.is_admin,
        "default_entity": default.name,
        "entities": [
            {"name": entity.name, "kind": entity.kind, "role": role.value} for entity, role in entities
        ],
    }


def key(row: ApiKey) -> dict[str, Any]:
    """Represent a key, without what would let anybody in."""
    return {
        "id": row.pk,
        "name": row.name,
        "prefix": row.prefix,
        "created_at": moment(row.created_at),
        "expires_at": maybe_moment(row.expires_at),
        "last_used_at": maybe_moment(row.last_used_at),
    }

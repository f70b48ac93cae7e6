"""How lists of this door can be sorted."""

from __future__ import annotations

from datetime import datetime

from registry.http.paging import Key, orders

_ID = Key("pk", int)


def _by(field: str, kind: type) -> tuple[Key, ...]:
    return (Key(field, kind), _ID)


PROJECTS = orders(("-created_at", _by("created_at", datetime)), ("name", _by("name", str)))
RUNS = orders(("-created_at", _by("created_at", datetime)), ("name", _by("name", str)))
TYPES = orders(("name", _by("name", str)))
COLLECTIONS = orders(
    ("-created_at", _by("created_at", datetime)),
    ("updated_at", _by("updated_at", datetime)),
    ("name", _by("name", str)),
)
VERSIONS = orders(
    ("-version", (Key("number", int),)),
    ("created_at", _by("version__created_at", datetime)),
    ("size", _by("version__size", int)),
)
ALIASES = orders(("name", (Key("name", str),)))
EDGES = orders(("id", (_ID,)))
USED_BY = orders(("-used_at", _by("used_at", datetime)))

# What the client calls them.
RUN_NAMES = {"created_at": "created_at", "createdAt": "created_at", "name": "name"}
COLLECTION_NAMES = {
    "createdAt": "created_at",
    "created_at": "created_at",
    "updatedAt": "updated_at",
    "updated_at": "updated_at",
    "name": "name",
}
VERSION_NAMES = {
    "versionIndex": "version",
    "version_index": "version",
    "createdAt": "created_at",
    "created_at": "created_at",
    "size": "size",
}

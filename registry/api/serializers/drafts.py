"""Drafts: what logging a version sends and gets back."""

from __future__ import annotations

import base64
from typing import Any

from django.http import HttpRequest
from strongroom.core.errors import InvalidInput

from registry.api.serializers._common import COUNT, MAYBE_TEXT, TEXT, TIME, listed, moment, record, words
from registry.api.shapes import (
    CARD,
    NAME,
    NAMES,
    OBJECT,
    TTL,
    Body,
    Kind,
    component,
    integer,
    many,
    nullable,
    text,
)
from registry.models import Version
from registry.services.drafts import Staged

DRAFT = component(
    "Draft",
    record(
        {
            "id": TEXT,
            "state": words(*Version.State.values),
            "entity": TEXT,
            "project": TEXT,
            "collection": TEXT,
            "type": TEXT,
            "client_id": MAYBE_TEXT,
            "created_at": TIME,
        }
    ),
)
STAGED = component(
    "Staged",
    record(
        {
            "entries": COUNT,
            "size": COUNT,
            "missing": record({"count": COUNT, "bytes": COUNT}),
            "digest": MAYBE_TEXT,
        }
    ),
)
MISSING = component(
    "MissingPage",
    record({"results": listed(record({"sha256": TEXT, "size": COUNT, "path": TEXT})), "next": MAYBE_TEXT}),
)
STORED = component("BundleStored", record({"stored": COUNT, "known": COUNT}))
KNOWN_SIZES = component("KnownSizes", record({"known": listed(COUNT)}))

_CARD = {
    "description": CARD,
    "metadata": nullable(OBJECT),
    "ttl": nullable(TTL),
    "run": nullable(NAME),
    "client_id": nullable(text(128, least=1)),
}
NEW_DRAFT = Body(
    "DraftToBegin",
    required={"collection": NAME, "type": NAME},
    optional={**_CARD, "aliases": NAMES, "tags": NAMES},
)
COMMIT = Body("Commit", optional={"aliases": NAMES, "tags": NAMES}, empty_ok=True)
SIZES = Body("Sizes", required={"sizes": many(integer(0, 2**62), 10_000)})
_BUNDLE = Kind(
    {"type": "string", "format": "byte", "maxLength": 700_000},
    lambda v: type(v) is str and len(v) <= 700_000,
    "a bundle of at most 512 KiB, in base64",
)
SMALL_VERSION = Body(
    "SmallVersion",
    required={"collection": NAME, "type": NAME, "entries": many(OBJECT, 1000)},
    optional={**_CARD, "aliases": NAMES, "tags": NAMES, "bundle": _BUNDLE},
)


def small_version(request: HttpRequest) -> dict[str, Any]:
    """Read a SmallVersion, its bundle as bytes."""
    data = SMALL_VERSION.read(request)
    try:
        data["bundle"] = base64.b64decode(data.get("bundle", ""), validate=True)
    except ValueError:
        raise InvalidInput("The bundle is not base64. Encode its bytes again.", field="bundle") from None
    return data


def draft(row: Version) -> dict[str, Any]:
    """Represent a draft."""
    place = row.sequence.project
    return {
        "id": row.public_id,
        "state": row.state,
        "entity": place.entity.name,
        "project": place.name,
        "collection": row.sequence.name,
        "type": row.type_name or row.sequence.type.name,
        "client_id": row.client_id,
        "created_at": moment(row.created_at),
    }


def staged(found: Staged) -> dict[str, Any]:
    """Represent what a staged manifest holds and lacks."""
    return {
        "entries": found.entries,
        "size": found.size,
        "missing": {"count": found.missing_count, "bytes": found.missing_bytes},
        "digest": found.digest,
    }

"""Versions, as they stand in a collection."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, cast

from registry.actor import Actor
from registry.api.schema import page_of
from registry.api.serializers._common import (
    ANY_OBJECT,
    COUNT,
    MAYBE_COUNT,
    MAYBE_TEXT,
    MAYBE_TIME,
    MOVED_ON,
    TEXT,
    TEXTS,
    TIME,
    TRUTH,
    maybe,
    maybe_moment,
    moment,
    name_of,
    record,
    words,
)
from registry.api.serializers.lines import Content, Line
from registry.api.shapes import CARD, NAMES, OBJECT, TTL, Changes, component, text
from registry.models import Collection, Membership, Version
from registry.models.addresses import versions_of
from registry.models.labels import put_names
from registry.services import retention, sourcing
from registry.services.retention import EffectiveTtl

SOURCE = record(
    {
        "entity": TEXT,
        "project": TEXT,
        "collection": TEXT,
        "version": TEXT,
        "name": TEXT,
        "qualified_name": TEXT,
    }
)
EFFECTIVE_TTL = component(
    "EffectiveTtl",
    record({"seconds": MAYBE_COUNT, "origin": TEXT, "expires_at": MAYBE_TIME, "kept_because": MAYBE_TEXT}),
)
VERSION = component(
    "Version",
    record(
        {
            "id": TEXT,
            "entity": TEXT,
            "project": TEXT,
            "collection": TEXT,
            "type": TEXT,
            "version": TEXT,
            "name": TEXT,
            "qualified_name": TEXT,
            "collection_kind": words(*Collection.Kind.values),
            "source": maybe(SOURCE),
            "aliases": TEXTS,
            "tags": TEXTS,
            "state": words(*Version.State.values),
            "digest": TEXT,
            "sha256": MAYBE_TEXT,
            "commit_hash": TEXT,
            "size": COUNT,
            "file_count": COUNT,
            "description": TEXT,
            "metadata": ANY_OBJECT,
            "ttl": TTL.schema,
            "effective_ttl": EFFECTIVE_TTL,
            "created_at": TIME,
            "updated_at": TIME,
            "created_by": MAYBE_TEXT,
            "deleted_at": MAYBE_TIME,
            "url": TEXT,
        }
    ),
)
VERSION_PAGE = page_of(VERSION, "VersionPage")
COMMITTED = component("Committed", record({"version": VERSION, "created": TRUTH}))
RESTORED = component(
    "Restored",
    record(
        {
            "version": VERSION,
            "aliases_back": TEXTS,
            "aliases_moved_on": MOVED_ON,
            "kept": {"type": "boolean", "description": "It had expired, and is now kept: its TTL is `never`"},
        }
    ),
)
VERSION_CHANGES = Changes(
    "VersionChanges",
    optional={
        "description": CARD,
        "metadata": OBJECT,
        "ttl": TTL,
        "aliases": NAMES,
        "tags": NAMES,
        # Why an admin of a registry moves protected aliases by hand.
        "reason": text(2000),
    },
)


def versions(rows: Sequence[Membership], base_url: str, actor: Actor) -> list[dict[str, Any]]:
    """Represent versions of any collections; what counts for their TTL, and their sources, are read once for all."""
    effective = retention.effective_for(rows)
    put_names(rows)
    numbers = sourcing.numbers(actor, rows)
    return [_version(row, effective[row.pk], numbers, base_url) for row in rows]


def version(row: Membership, base_url: str, actor: Actor) -> dict[str, Any]:
    """Represent one version."""
    return versions([row], base_url, actor)[0]


def lines(rows: Sequence[Line], base_url: str) -> list[dict[str, Any]]:
    """Represent versions of one sequence, read as plain rows."""
    # A line has every field of a membership that counting a TTL reads.
    effective = retention.effective_for(cast("Sequence[Membership]", rows))
    return [_line(row, effective[row.pk], base_url) for row in rows]


def _version(row: Membership, ttl: EffectiveTtl, numbers: Mapping[int, int], base_url: str) -> dict[str, Any]:
    own = row.version
    place = _place(row.collection, row.number)
    return {
        **_facts(own, row.collection, place, ttl, base_url),
        "source": _source(row, place, numbers),
        "aliases": row.held_aliases(),
        "tags": own.held_tags(),
        "sha256": None if own.manifest is None else own.manifest.root.hex(),
        "created_by": name_of(own.created_by),
    }


def _line(row: Line, ttl: EffectiveTtl, base_url: str) -> dict[str, Any]:
    own = row.version
    place = _place(row.collection, row.number)
    return {
        **_facts(own, row.collection, place, ttl, base_url),
        "source": place,
        "aliases": row.alias_names,
        "tags": own.tag_names,
        "sha256": None if own.root is None else own.root.hex(),
        "created_by": own.created_by,
    }


def _facts(
    own: Version | Content, collection: Collection, place: dict[str, str], ttl: EffectiveTtl, base_url: str
) -> dict[str, Any]:
    return {
        "id": public_id(own.pk),
        **place,
        "type": collection.type.name,
        "collection_kind": collection.kind,
        "state": own.state,
        "digest": own.digest,
        "commit_hash": own.commit_hash,
        "size": own.size,
        "file_count": own.file_count,
        "description": own.description,
        "metadata": own.metadata,
        "ttl": own.ttl_kind if own.ttl_seconds is None else own.ttl_seconds,
        "effective_ttl": _effective(ttl),
        "created_at": moment(own.created_at),
        "updated_at": moment(own.updated_at),
        "deleted_at": maybe_moment(own.deleted_at),
        "url": f"{base_url}{versions_of(place['entity'], place['project'], place['collection'])}{place['version']}",
    }


def public_id(pk: int) -> str:
    """The id that clients see, as `Version.public_id` gives it."""
    return base64.b64encode(b"Artifact:%d" % pk).decode()


def _place(collection: Collection, number: int) -> dict[str, str]:
    entity, project = collection.project.entity.name, collection.project.name
    name = f"{collection.name}:v{number}"
    return {
        "entity": entity,
        "project": project,
        "collection": collection.name,
        "version": f"v{number}",
        "name": name,
        "qualified_name": f"{entity}/{project}/{name}",
    }


def _source(row: Membership, place: dict[str, str], numbers: Mapping[int, int]) -> dict[str, str] | None:
    """Where the version was logged: this very place, unless it is a link; null to who may not see it."""
    if not row.is_link:
        return place
    number = numbers.get(row.version_id)
    return None if number is None else _place(row.version.sequence, number)


def _effective(ttl: EffectiveTtl) -> dict[str, Any]:
    return {
        "seconds": ttl.seconds,
        "origin": ttl.origin,
        "expires_at": maybe_moment(ttl.expires_at),
        "kept_because": ttl.kept_because,
    }

"""What is stored, and deletion for good."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import COUNT, TEXT, TIME, TRUTH, maybe, moment, record
from registry.api.shapes import FLAG, Body, component, many, text
from registry.models import Membership, StorageCount, StorageShare, VersionShare
from registry.services.trash import MOST

PURGE = Body("Purge", optional={"versions": many(text(64, least=1), MOST, least=1), "all": FLAG})
PURGED = component(
    "Purged",
    record({"purged": COUNT, "kept": {**COUNT, "description": "Those that the run of an open draft uses"}}),
)
_PARTS = {
    "by_one": {**COUNT, "description": "Used by one version"},
    "shared": {**COUNT, "description": "Used by several versions"},
    "trashed": {**COUNT, "description": "Used in the trash alone"},
    "drafted": {**COUNT, "description": "Used by open drafts alone"},
    "unused": {**COUNT, "description": "Used by nothing"},
}
_COUNT = record(
    {
        "counted_at": TIME,
        "versions": COUNT,
        "named": {**COUNT, "description": "What the versions have, each for itself"},
        "stored": {**COUNT, "description": "What the store keeps: the sum of the parts"},
        "files": COUNT,
        "unused_files": COUNT,
        **_PARTS,
    }
)
STORAGE = component("Storage", record({"count": maybe(_COUNT)}))
_ALONE = {**COUNT, "description": "What nothing else uses: at least that comes back when it is purged"}
_IDLE = {**TIME, "description": "Since its last use; since it was logged, when it was never used"}
COLLECTION_SHARE = component(
    "CollectionShare",
    record(
        {
            "project": TEXT,
            "collection": TEXT,
            "versions": COUNT,
            "stored": {**COUNT, "description": "What its versions reach, shared bytes once"},
            "alone": _ALONE,
        }
    ),
)
COLLECTION_SHARE_PAGE = page_of(COLLECTION_SHARE, "CollectionSharePage")
VERSION_SHARE = component(
    "VersionShare",
    record(
        {
            "project": TEXT,
            "collection": TEXT,
            "version": TEXT,
            "size": COUNT,
            "alone": _ALONE,
            "used": TRUTH,
            "idle_since": _IDLE,
        }
    ),
)
VERSION_SHARE_PAGE = page_of(VERSION_SHARE, "VersionSharePage")


def count(row: StorageCount | None) -> dict[str, Any] | None:
    """Represent a count."""
    if row is None:
        return None
    return {
        "counted_at": moment(row.counted_at),
        "versions": row.versions,
        "named": row.named,
        "stored": row.stored,
        "files": row.blobs,
        "unused_files": row.unused_blobs,
        **{name: getattr(row, name) for name in _PARTS},
    }


def collections(rows: Iterable[StorageShare]) -> list[dict[str, Any]]:
    """Represent what was counted of collections."""
    return [
        {
            "project": row.collection.project.name,
            "collection": row.collection.name,
            "versions": row.versions,
            "stored": row.stored,
            "alone": row.alone,
        }
        for row in rows
        if row.collection is not None
    ]


def versions(placed: Iterable[tuple[VersionShare, Membership]]) -> list[dict[str, Any]]:
    """Represent what was counted of versions, each beside where it was logged."""
    return [
        {
            "project": row.collection.project.name,
            "collection": row.collection.name,
            "version": f"v{row.number}",
            "size": row.version.size,
            "alone": share.alone,
            "used": share.used,
            "idle_since": moment(share.idle_since),
        }
        for share, row in placed
    ]

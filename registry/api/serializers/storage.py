"""What is stored, and deletion for good."""

from __future__ import annotations

from typing import Any

from registry.api.serializers._common import COUNT, TIME, maybe, moment, record
from registry.api.shapes import FLAG, Body, component, many, text
from registry.models import StorageCount
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

"""Uploads of large blobs in resumable parts."""

from __future__ import annotations

from typing import Any

from registry.api.serializers._common import ANY_OBJECT, COUNT, MAYBE_TEXT, TEXT, listed, record
from registry.api.shapes import FLAG, SHA256, Body, component, integer, nullable, text
from registry.models import Blob, Upload
from registry.storage import checksum_kind, progress

PART = record({"number": COUNT, "offset": COUNT, "size": COUNT, "received": COUNT})
UPLOAD = component("Upload", record({"id": TEXT, "size": COUNT, "parts": listed(PART), "direct": MAYBE_TEXT}))
ADDRESS = component("PartAddress", record({"method": TEXT, "url": TEXT, "headers": ANY_OBJECT}))
RECEIVED = component("Received", record({"received": COUNT}))
BLOB = component("Blob", record({"sha256": TEXT, "md5": TEXT, "size": COUNT}))

NEW_UPLOAD = Body(
    "UploadToBegin",
    required={"size": integer(0, 2**62)},
    optional={"sha256": nullable(SHA256), "parts": integer(1, 32), "direct": FLAG},
)
PART_CHECKSUM = Body("PartChecksum", required={"checksum": text(64, least=1)})
COMPLETION = Body("Completion", required={"sha256": SHA256})


def upload(row: Upload) -> dict[str, Any]:
    """Represent an upload with what arrived of each part."""
    return {
        "id": str(row.pk),
        "size": row.size,
        "parts": [part._asdict() for part in progress(row)],
        # Which digest each part's address is asked for with, when parts go to the object store itself.
        "direct": checksum_kind(row),
    }


def blob(row: Blob) -> dict[str, Any]:
    """Represent a blob that is durable now."""
    return {"sha256": row.sha256.hex(), "md5": row.md5.hex(), "size": row.size}

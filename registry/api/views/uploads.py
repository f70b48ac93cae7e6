"""Uploads of large blobs."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from strongroom.core.errors import InvalidInput

from registry.api.base import Endpoint
from registry.api.schema import BYTES, operation
from registry.api.serializers import uploads as shape
from registry.api.shapes import Param
from registry.http.body import open_body
from registry.services import drafts, uploads

_OFFSET = Param(
    "Upload-Offset", {"type": "integer", "minimum": 0}, "Where in the part the body begins", True, "header"
)


class UploadList(Endpoint):
    """The uploads to a draft."""

    @operation(
        "Begin the upload of a large blob", {201: shape.UPLOAD, 200: shape.UPLOAD}, body=shape.NEW_UPLOAD
    )
    def post(self, request: Request, draft_id: str) -> HttpResponse:
        """Begin an upload, or answer the unfinished one of this digest."""
        data = shape.NEW_UPLOAD.read(self.http)
        upload, created = uploads.begin(self.actor, draft=drafts.find(self.actor, draft_id), **data)
        return self.answer(shape.upload(upload), status=201 if created else 200)


class UploadDetail(Endpoint):
    """One upload."""

    @operation("Show what arrived of an upload", {200: shape.UPLOAD}, errors=(409,))
    def get(self, request: Request, upload_id: uuid.UUID) -> HttpResponse:
        """Answer the upload with what arrived of each part."""
        return self.answer(shape.upload(uploads.find(self.actor, upload_id)))


class UploadPart(Endpoint):
    """One part of an upload."""

    @operation(
        "Send the bytes of a part from an offset on", {200: shape.RECEIVED}, query=(_OFFSET,), stream=BYTES
    )
    def put(self, request: Request, upload_id: uuid.UUID, number: int) -> HttpResponse:
        """Append to the part; a body that ends early keeps what arrived."""
        offset = _offset(self.http.headers.get("Upload-Offset"))
        upload = uploads.find(self.actor, upload_id)
        body = open_body(self.http, settings.PART_LIMIT, partial=True)
        received = uploads.append(
            self.actor, upload=upload, number=number, offset=offset, stream=body, length=body.length
        )
        if body.broken is not None:
            body.broken.details["received"] = received
            raise body.broken
        return self.answer({"received": received})


class UploadPartAddress(Endpoint):
    """Where a part goes that the object store takes itself."""

    @operation("Sign the request that sends a part", {200: shape.ADDRESS}, body=shape.PART_CHECKSUM)
    def post(self, request: Request, upload_id: uuid.UUID, number: int) -> HttpResponse:
        """Answer the request to make, good for a quarter of an hour, for these bytes only."""
        checksum = shape.PART_CHECKSUM.read(self.http)["checksum"]
        upload = uploads.find(self.actor, upload_id)
        link = uploads.address(self.actor, upload=upload, number=number, checksum=checksum)
        return self.answer(link._asdict())


class UploadComplete(Endpoint):
    """The end of an upload."""

    @operation("Verify and keep what was uploaded", {200: shape.BLOB}, body=shape.COMPLETION)
    def post(self, request: Request, upload_id: uuid.UUID) -> HttpResponse:
        """Complete the upload: durable when this is answered."""
        sha256 = shape.COMPLETION.read(self.http)["sha256"]
        blob = uploads.complete(self.actor, upload=uploads.find(self.actor, upload_id), sha256=sha256)
        return self.answer(shape.blob(blob))


def _offset(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInput(
            "Send Upload-Offset: where in the part the body begins, in bytes.", field="Upload-Offset"
        )
    return int(text)

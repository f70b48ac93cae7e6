"""Stores that keep old versions, which no emulator of Google or Azure does: their answers as their references say.

They know what our side asks for, and nothing more: metadata, bytes in ranges, listings in pages. What is asked of
a version that is not kept, or under a condition that does not hold, is refused as the store refuses it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from tests.client.scripted import Answer, Request

ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Kept:
    """One version of an object."""

    id: str
    data: bytes
    etag: str

    @property
    def md5(self) -> str:
        return base64.b64encode(hashlib.md5(self.data).digest()).decode()


class Keeper(ABC):
    """Versions by name, the oldest first; the last one is current unless the object was deleted."""

    def __init__(self) -> None:
        self.versions: dict[str, list[Kept]] = {}
        self.deleted: set[str] = set()
        self._count = 0

    def put(self, name: str, data: bytes) -> Kept:
        """Write an object: what had its name before is an old version now."""
        self._count += 1
        made = self.made(self._count, data)
        self.versions.setdefault(name, []).append(made)
        self.deleted.discard(name)
        return made

    def forget(self, name: str, version: Kept) -> None:
        """Remove an old version, as a rule of the bucket does."""
        self.versions[name].remove(version)

    @abstractmethod
    def made(self, count: int, data: bytes) -> Kept:
        """Return a version with an id and an etag such as the store makes."""

    def current(self, name: str) -> Kept | None:
        return None if name in self.deleted or not self.versions.get(name) else self.versions[name][-1]

    def kept(self, name: str, id: str | None) -> Kept | None:
        if id is None:
            return self.current(name)
        return next((each for each in self.versions.get(name, []) if each.id == id), None)


def header(request: Request, name: str) -> str | None:
    """Return a header; in its name case does not count."""
    return next((value for each, value in request.headers.items() if each.lower() == name.lower()), None)


def part(data: bytes, span: str | None, headers: dict[str, str | None]) -> Answer:
    """Answer with a range of the bytes."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", span or "")
    if not found:
        return Answer(data, 200, headers)
    first, last = int(found[1]), min(int(found[2] or len(data)), len(data) - 1)
    if first >= len(data):
        return Answer(b"", 416, {"Content-Range": f"bytes */{len(data)}"})
    return Answer(
        data[first : last + 1], 206, {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"}
    )


class Google(Keeper):
    """A bucket with object versioning, by the JSON API."""

    def made(self, count: int, data: bytes) -> Kept:
        generation = 1_764_000_000_000_000 + count
        return Kept(str(generation), data, base64.b64encode(f"CN{generation}EAE".encode()).decode())

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        found = re.fullmatch(r"(/download)?/storage/v1/b/([^/]+)(?:/o(?:/(.+))?)?", request.path)
        assert found, request.path
        if not request.path.partition("/o")[1]:
            # Its library asks for the bucket by itself, and does without when that is not permitted.
            return _as_json({"error": {"code": 403, "message": "storage.buckets.get is denied"}}, 403)
        if found[3] is None:
            return self._list(found[2], request)
        name = unquote(found[3])
        kept = self.kept(name, request.query.get("generation"))
        if kept is None:
            return _as_json({"error": {"code": 404, "message": f"No such object: {found[2]}/{name}"}}, 404)
        if not found[1]:
            return _as_json(self._resource(found[2], name, kept, request.headers["Host"]))
        return part(kept.data, header(request, "Range"), {"X-Goog-Generation": kept.id})

    def _resource(self, bucket: str, name: str, kept: Kept, host: str) -> dict[str, Any]:
        at = f"b/{bucket}/o/{quote(name, safe='')}"
        return {
            "kind": "storage#object", "id": f"{bucket}/{name}/{kept.id}", "bucket": bucket, "name": name,
            "generation": kept.id, "metageneration": "1", "etag": kept.etag, "size": str(len(kept.data)),
            "md5Hash": kept.md5, "selfLink": f"http://{host}/storage/v1/{at}",
            "mediaLink": f"http://{host}/download/storage/v1/{at}?generation={kept.id}&alt=media",
        }  # fmt: skip

    def _list(self, bucket: str, request: Request) -> Answer:
        asked = request.query
        assert asked.get("versions", "false") == "false", "old generations have no place in a listing"
        begin = max(asked.get("startOffset", ""), asked.get("pageToken", ""))
        names = sorted(
            name
            for name in self.versions
            if name.startswith(asked.get("prefix", "")) and name >= begin and self.current(name)
        )
        most = int(asked.get("maxResults", 1000))
        shown = {
            "kind": "storage#objects",
            "items": [
                self._resource(bucket, name, self.versions[name][-1], request.headers["Host"])
                for name in names[:most]
            ],
        }
        # A real token says no name; that it leads on where the page ended is all that counts.
        return _as_json(shown | ({"nextPageToken": names[most]} if names[most:] else {}))


class Azure(Keeper):
    """A container of an account that keeps versions, by the REST API."""

    def made(self, count: int, data: bytes) -> Kept:
        return Kept(f"2026-11-30T12:00:{count:02}.1234567Z", data, f"0x8DE2FF{count:09X}")

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        _, account, container, *rest = request.path.split("/", 3)
        assert account == ACCOUNT
        if request.query.get("comp") == "list":
            return self._list(container, request)
        name = unquote(rest[0])
        kept = self.kept(name, request.query.get("versionid"))
        if kept is None:
            return _refused(404, "BlobNotFound", "The specified blob does not exist.")
        condition = header(request, "If-Match")
        if condition not in (None, "*", f'"{kept.etag}"'):
            return _refused(412, "ConditionNotMet", "The condition specified is not met.")
        return part(kept.data, header(request, "x-ms-range"), self._headers(name, kept))

    def _headers(self, name: str, kept: Kept) -> dict[str, str | None]:
        is_current = kept is self.current(name)
        return {
            "ETag": f'"{kept.etag}"', "Last-Modified": "Mon, 30 Nov 2026 12:00:00 GMT",
            "x-ms-blob-type": "BlockBlob", "x-ms-version": "2026-02-06", "Content-MD5": kept.md5,
            "Content-Type": "application/octet-stream", "x-ms-server-encrypted": "true",
            "x-ms-version-id": kept.id, "x-ms-is-current-version": "true" if is_current else None,
        }  # fmt: skip

    def _list(self, container: str, request: Request) -> Answer:
        prefix, include = request.query.get("prefix", ""), request.query.get("include", "").split(",")
        lines = [
            self._line(name, kept, named="versions" in include)
            for name in sorted(self.versions)
            for kept in self.versions[name]
            if name.startswith(prefix) and ("versions" in include or kept is self.current(name))
        ]
        first, most = int(request.query.get("marker") or 0), int(request.query.get("maxresults", 5000))
        following = str(first + most) if lines[first + most :] else ""
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{container}">'
            f"<Blobs>{''.join(lines[first : first + most])}</Blobs><NextMarker>{following}</NextMarker>"
            "</EnumerationResults>"
        )
        return Answer(body.encode(), 200, {"Content-Type": "application/xml", "x-ms-version": "2026-02-06"})

    def _line(self, name: str, kept: Kept, *, named: bool) -> str:
        # Of old versions it is not said that they are none: the element is left out.
        current = "<IsCurrentVersion>true</IsCurrentVersion>" if kept is self.current(name) else ""
        version = f"<VersionId>{kept.id}</VersionId>{current}" if named else ""
        return (
            f"<Blob><Name>{escape(name)}</Name>{version}<Properties>"
            "<Last-Modified>Mon, 30 Nov 2026 12:00:00 GMT</Last-Modified>"
            f"<Etag>{kept.etag}</Etag><Content-Length>{len(kept.data)}</Content-Length>"
            f"<Content-MD5>{kept.md5}</Content-MD5><BlobType>BlockBlob</BlobType></Properties><Metadata/></Blob>"
        )


def _as_json(found: dict[str, Any], status: int = 200) -> Answer:
    return Answer(json.dumps(found).encode(), status, {"Content-Type": "application/json; charset=UTF-8"})


def _refused(status: int, code: str, message: str) -> Answer:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(body.encode(), status, {"Content-Type": "application/xml", "x-ms-error-code": code})

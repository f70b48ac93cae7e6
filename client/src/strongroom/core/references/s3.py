"""`s3`: ETag, size and, where the bucket keeps versions, the version id; a prefix is listed a page at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from strongroom.core.entries import Entry
from strongroom.core.references.base import Found, Reach, Stream
from strongroom.core.references.buckets import Bucket, literal_key
from strongroom.core.references.failures import failure_of, told
from strongroom.core.references.looking import (
    changed,
    is_checked,
    refuse_change,
)
from strongroom.core.references.s3_listing import listed
from strongroom.core.references.s3_objects import (
    STORE,
    Place,
    client_of,
    etag_of,
    found_of,
    head_of,
    recorded_version,
    whole_size,
)
from strongroom.core.references.streams import OfStore
from strongroom.core.references.uris import refuse

_URI = re.compile(r"s3://([^/?#]+)(?:/(.*?))?(?:\?versionId=([^&?#/]+))?", re.IGNORECASE | re.DOTALL)
_MD5 = re.compile(r"[0-9a-f]{32}")
# With keys of its own the store encrypts first, and the ETag is no MD5 of the bytes.
_BY_KEY = ("aws:kms", "aws:kms:dsse")
_VERSIONS_LOOKED_AT = 10_000


class S3(Bucket[Place]):
    """An object of a bucket, or all below a prefix."""

    def parse(self, uri: str) -> Place:
        """Take a URI apart. A key is taken as it stands: nothing in it is escaped."""
        found = _URI.fullmatch(uri)
        if found is None:
            refuse(uri, "names no bucket. Write it like s3://bucket/key")
        return Place(found[1], found[2] or "", found[3])

    def place_of(self, entry: Entry) -> Place:
        """Return where an entry lies; once looked at it has no version, so `?versionId=2` is of its name."""
        uri = entry.ref or ""
        place = self.parse(uri)
        return Place(place.bucket, literal_key(uri)) if place.version and is_checked(entry) else place

    def _client(self, reach: Reach, place: Place) -> Any:
        return client_of(reach, place)

    def _there(self, client: Any, place: Place, uri: str) -> Found | None:
        head = head_of(client, place, uri)
        return None if head is None else found_of(place, head, "")

    def _now(self, client: Any, place: Place, uri: str) -> Found | None:
        return self._there(client, Place(place.bucket, place.key), uri)

    def _listed(self, client: Any, place: Place, after: str) -> Iterator[Found]:
        return listed(client, place, after)

    def _has_recorded(self, client: Any, place: Place, entry: Entry) -> bool | None:
        version = recorded_version(entry)
        if version is None:
            return None
        return head_of(client, Place(place.bucket, place.key, version), place.uri) is not None

    @contextmanager
    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> Iterator[Stream]:
        """Open the version that was recorded, or the object while it is still the same."""
        uri = entry.ref or ""
        place = self.place_of(entry)
        client = client_of(reach, place)
        answer = _get(client, place, entry, offset) if place.key else None
        if answer is None:
            self._lost(client, place, entry)
        body = answer["Body"]
        try:
            size = whole_size(answer)
            refuse_change(entry, etag_of(answer.get("ETag") or "") or uri, size)
            yield OfStore(body.read, uri, STORE, size, _md5(answer))
        finally:
            body.close()


def _get(client: Any, place: Place, entry: Entry, offset: int) -> dict[str, Any] | None:
    """Ask for the bytes of what was recorded; None when there is no such object."""
    wanted: dict[str, Any] = place.which(recorded_version(entry))
    if offset:
        wanted["Range"] = f"bytes={offset}-"
    checked = is_checked(entry)
    condition = {"IfMatch": entry.digest} if checked else {}
    with told(entry.ref or "", STORE):
        try:
            return client.get_object(**wanted, **condition)
        except Exception as error:
            failure = failure_of(error)
            if failure is not None and failure.status == 404 and failure.code != "NoSuchBucket":
                return None
            if failure is None or failure.status != 412 or "VersionId" in wanted:
                raise
            version = _version_by_etag(client, place, entry.digest or "")
            if version is None:
                changed(entry, f"had the digest {entry.digest} when it was recorded, and has another now")
            return client.get_object(**wanted, VersionId=version)


def _version_by_etag(client: Any, place: Place, etag: str) -> str | None:
    """Look among the newest versions of an object for one that was recorded without its version id."""
    wanted: dict[str, Any] = {"Bucket": place.bucket, "Prefix": place.key}
    for _ in range(_VERSIONS_LOOKED_AT // 1000):
        page = client.list_object_versions(**wanted)
        for line in page.get("Versions") or []:
            if line["Key"] != place.key:
                return None
            if etag_of(line["ETag"]) == etag:
                return str(line["VersionId"])
        if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
            return None
        wanted |= {
            "KeyMarker": page["NextKeyMarker"],
            "VersionIdMarker": page.get("NextVersionIdMarker") or "",
        }
    return None


def _md5(answer: dict[str, Any]) -> str | None:
    """Return the MD5 that the ETag is, where it is one: not of several parts, nor encrypted by a key of one's own."""
    etag = etag_of(answer.get("ETag") or "")
    encrypted = answer.get("ServerSideEncryption") in _BY_KEY or answer.get("SSECustomerAlgorithm")
    return etag if _MD5.fullmatch(etag) and not encrypted else None

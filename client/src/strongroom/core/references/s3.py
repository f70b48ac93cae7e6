"""`s3`: ETag, size and, where the bucket keeps versions, the version id; a prefix is listed a page at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from strongroom.core.entries import Entry
from strongroom.core.errors import ReferenceMissing
from strongroom.core.references.base import MAX_OBJECTS, Checked, Found, Reach, State, Stream
from strongroom.core.references.failures import failure_of, told
from strongroom.core.references.looking import (
    OK,
    address,
    as_state,
    bounded,
    changed,
    compared,
    is_checked,
    refuse_change,
)  # fmt: skip
from strongroom.core.references.streams import OfStore
from strongroom.core.references.uris import last_part, refuse
from strongroom.core.text import shown

STORE = "S3"
_URI = re.compile(r"s3://([^/?#]+)(?:/(.*?))?(?:\?versionId=([^&?#/]+))?", re.IGNORECASE | re.DOTALL)
_MD5 = re.compile(r"[0-9a-f]{32}")
# With keys of its own the store encrypts first, and the ETag is no MD5 of the bytes.
_BY_KEY = ("aws:kms", "aws:kms:dsse")
_ASKING = 8
_VERSIONS_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, a key or the beginning of one, and the version that a URI asks for."""

    bucket: str
    key: str
    version: str | None = None

    @property
    def uri(self) -> str:
        """The address without a version."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def prefix(self) -> str:
        """What the keys below begin with."""
        return f"{self.key}/" if self.key and not self.key.endswith("/") else self.key

    def which(self, version: str | None = None) -> dict[str, str]:
        """Return the arguments that name the object."""
        wanted = version or self.version
        return {"Bucket": self.bucket, "Key": self.key, **({"VersionId": wanted} if wanted else {})}


class S3:
    """An object of a bucket, or all below a prefix."""

    def parse(self, uri: str) -> Place:
        """Take a URI apart. A key is taken as it stands: nothing in it is escaped."""
        found = _URI.fullmatch(uri)
        if found is None:
            refuse(uri, "names no bucket. Write it like s3://bucket/key")
        return Place(found[1], found[2] or "", found[3])

    def plain(self, uri: str) -> Found:
        """Return the address as its own digest, with the version where it names one."""
        place = self.parse(uri)
        whole = f"{place.uri}?versionId={place.version}" if place.version else place.uri
        return Found(whole, place.key.strip("/") or place.bucket, whole)

    def name(self, uri: str) -> str:
        """Return the last part of the key."""
        return last_part(self.parse(uri).key)

    def look(self, uri: str, reach: Reach, *, max_objects: int, after: str = "") -> Iterator[Found]:
        """Yield the object, or what lies below the prefix."""
        place = self.parse(uri)
        client = _client(reach, place)
        head = _head(client, place, uri)
        if head is not None:
            if not after:
                yield _found(place, head, "")
        elif place.version:
            raise ReferenceMissing(
                f"{shown(uri)} is not there: the object has no such version. Check the address.",
                uri=shown(uri),
            )
        else:
            yield from bounded(_listed(client, place, after), uri, max_objects, after)

    def check(self, entry: Entry, reach: Reach) -> Checked:
        """Compare what the key holds now with what was recorded."""
        return as_state(lambda: self._check(entry, reach))

    def _check(self, entry: Entry, reach: Reach) -> Checked:
        uri = entry.ref or ""
        place = self.parse(uri)
        if not is_checked(entry):
            next(self.look(uri, reach, max_objects=MAX_OBJECTS))
            return OK
        client, version = _client(reach, place), recorded_version(entry)
        head = _head(client, place, uri)
        if head is None:
            why = f"{address(entry)} was deleted{_kept(client, place, version)}."
            return Checked(State.MISSING, why)
        seen = compared(entry, _found(place, head, ""))
        if seen.state is State.OK:
            return seen
        return Checked(State.CHANGED, seen.why[:-1] + _kept(client, place, version) + ".", seen.now)

    @contextmanager
    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> Iterator[Stream]:
        """Open the version that was recorded, or the object while it is still the same."""
        uri = entry.ref or ""
        place = self.parse(uri)
        client = _client(reach, place)
        answer = _get(client, place, entry, offset)
        body = answer["Body"]
        try:
            size = _whole_size(answer)
            refuse_change(entry, _etag(answer["ETag"]), size)
            yield OfStore(body.read, uri, STORE, size, _md5(answer))
        finally:
            body.close()


def _client(reach: Reach, place: Place) -> Any:
    # Making it is where missing or wrong credentials can show first.
    with told(place.uri, STORE):
        return reach.s3(place.bucket)


def recorded_version(entry: Entry) -> str | None:
    """Return the version id that an entry records."""
    found = (entry.extra or {}).get("versionID")
    return found if isinstance(found, str) and found else None


def _head(client: Any, place: Place, uri: str) -> dict[str, Any] | None:
    """Return what is said about the object; None when there is none by this name, or it stands for a folder."""
    if not place.key or place.key.endswith("/"):
        return None
    with told(uri, STORE):
        try:
            head: dict[str, Any] = client.head_object(**place.which())
        except Exception as error:
            failure = failure_of(error)
            if failure is None or failure.status not in (400, 403, 404):
                raise
            if failure.status == 404:
                return None
            # An answer to HEAD has no body that could say why; that to GET has.
            head = client.get_object(**place.which(), Range="bytes=0-0")
            head["Body"].close()
            head["ContentLength"] = _whole_size(head)
    return None if "x-directory" in (head.get("ContentType") or "") else head


def _found(place: Place, head: dict[str, Any], path: str) -> Found:
    """Return what an entry records of an object, from a head or a line of a listing."""
    etag = _etag(head["ETag"])
    extra, version = {"etag": etag}, head.get("VersionId")
    if version and version != "null":
        extra["versionID"] = version
    size = head["Size"] if "Size" in head else head["ContentLength"]
    return Found(place.uri, path, etag, size, extra)


def _listed(client: Any, place: Place, after: str) -> Iterator[Found]:
    """List what lies below a prefix; keys that end with a slash stand for folders, and are left out."""
    versioned = _keeps_versions(client, place)
    pages = _pages_of_versions if versioned else _pages
    start = place.prefix + after if after else ""
    for page in pages(client, place, start):
        lines = [line for line in page if not line["Key"].endswith("/") and line["Key"] > start]
        if versioned is None:
            lines = _with_versions(client, place, lines)
            # A bucket that keeps no versions says so with its first object: the rest need not be asked.
            versioned = None if any("VersionId" in line for line in lines) or not lines else False
        for line in lines:
            yield _found(Place(place.bucket, line["Key"]), line, line["Key"][len(place.prefix) :])


def _keeps_versions(client: Any, place: Place) -> bool | None:
    """Tell whether a bucket keeps versions; None when that may not be asked."""
    try:
        return bool(client.get_bucket_versioning(Bucket=place.bucket).get("Status"))
    except Exception as error:
        failure = failure_of(error)
        if failure is None or failure.status is None or failure.code == "NoSuchBucket":
            with told(place.uri, STORE):
                raise
        return None


def _pages(client: Any, place: Place, start: str) -> Iterator[list[dict[str, Any]]]:
    wanted: dict[str, Any] = {"Bucket": place.bucket, "Prefix": place.prefix}
    if start:
        wanted["StartAfter"] = start
    while True:
        with told(place.uri, STORE):
            page = client.list_objects_v2(**wanted)
        yield page.get("Contents") or []
        if not page.get("IsTruncated"):
            return
        wanted["ContinuationToken"] = page["NextContinuationToken"]


def _pages_of_versions(client: Any, place: Place, start: str) -> Iterator[list[dict[str, Any]]]:
    wanted: dict[str, Any] = {"Bucket": place.bucket, "Prefix": place.prefix}
    if start:
        wanted["KeyMarker"] = start
    while True:
        with told(place.uri, STORE):
            page = client.list_object_versions(**wanted)
        yield [line for line in page.get("Versions") or [] if line["IsLatest"]]
        if not page.get("IsTruncated"):
            return
        wanted["KeyMarker"] = page["NextKeyMarker"]
        wanted["VersionIdMarker"] = page.get("NextVersionIdMarker") or ""


def _with_versions(client: Any, place: Place, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask for the version of each object, a few at a time: where versions may not be listed."""

    def ask(line: dict[str, Any]) -> dict[str, Any]:
        there = Place(place.bucket, line["Key"])
        head = _head(client, there, there.uri)
        if head is None:
            raise ReferenceMissing(
                f"{shown(there.uri)} was deleted while {shown(place.uri)} was being listed. Try again.",
                uri=shown(there.uri),
            )
        version = {"VersionId": head["VersionId"]} if head.get("VersionId") else {}
        return {**line, "ETag": head["ETag"], "Size": head["ContentLength"], **version}

    if not lines or "VersionId" not in ask(lines[0]):
        return lines
    with ThreadPoolExecutor(_ASKING) as pool:
        return list(pool.map(ask, lines))


def _kept(client: Any, place: Place, version: str | None) -> str:
    """Say what became of the recorded version."""
    if version is None:
        return ""
    there = _head(client, Place(place.bucket, place.key, version), place.uri)
    return "; the recorded version is still there" if there else "; the recorded version is gone, too"


def _get(client: Any, place: Place, entry: Entry, offset: int) -> dict[str, Any]:
    """Ask for the bytes of what was recorded."""
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
            if _etag(line["ETag"]) == etag:
                return str(line["VersionId"])
        if not page.get("IsTruncated"):
            return None
        wanted |= {
            "KeyMarker": page["NextKeyMarker"],
            "VersionIdMarker": page.get("NextVersionIdMarker") or "",
        }
    return None


def _etag(given: str) -> str:
    return given.strip('"')


def _whole_size(answer: dict[str, Any]) -> int:
    span = answer.get("ContentRange")
    return int(span.rpartition("/")[2]) if span else int(answer["ContentLength"])


def _md5(answer: dict[str, Any]) -> str | None:
    """Return the MD5 that the ETag is, where it is one: not of several parts, nor encrypted by a key of one's own."""
    etag = _etag(answer["ETag"])
    encrypted = answer.get("ServerSideEncryption") in _BY_KEY or answer.get("SSECustomerAlgorithm")
    return etag if _MD5.fullmatch(etag) and not encrypted else None

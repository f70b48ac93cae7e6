"""Listing a prefix of S3, a page at a time, with versions where the bucket keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from strongroom.core.errors import ReferenceMissing, ReferenceUnreachable
from strongroom.core.references.base import Found
from strongroom.core.references.failures import failure_of, told
from strongroom.core.references.s3_objects import STORE, Place, found_of, head_of
from strongroom.core.text import shown

_ASKING = 8


def listed(client: Any, place: Place, after: str) -> Iterator[Found]:
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
            yield found_of(Place(place.bucket, line["Key"]), line, line["Key"][len(place.prefix) :])


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
        _go_on(place, wanted, ContinuationToken=page.get("NextContinuationToken"))


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
        _go_on(
            place,
            wanted,
            KeyMarker=page.get("NextKeyMarker"),
            VersionIdMarker=page.get("NextVersionIdMarker") or "",
        )


def _go_on(place: Place, wanted: dict[str, Any], **mark: str | None) -> None:
    """Ask for the next page from a mark on; refuse one that leads nowhere, or to where the listing was before."""
    if None in mark.values() or mark.items() <= wanted.items():
        raise ReferenceUnreachable(
            f"The listing of {shown(place.uri)} does not go on: {STORE} says that there is more, and not where."
            " Try again later.",
            uri=shown(place.uri),
        )
    wanted |= mark


def _with_versions(client: Any, place: Place, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask for the version of each object, a few at a time: where versions may not be listed."""

    def ask(line: dict[str, Any]) -> dict[str, Any]:
        there = Place(place.bucket, line["Key"])
        head = head_of(client, there, there.uri)
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

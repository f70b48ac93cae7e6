"""Sending many blobs in one answer: frames in the order of their place, read in long stretches."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from registry.errors import BlobsMissing, Damaged
from registry.models.blobs import Blob
from registry.models.teams import Entity
from registry.storage.blobs import mark_damaged, open_blob, read_blob
from registry.storage.frames import head
from registry.storage.limits import PIECE
from registry.storage.objects import read_stretch

# Reading over a small gap is cheaper than a second read.
GAP = 16 * 1024


class _Place(NamedTuple):
    """Where a blob lies; sorted, places follow the disk."""

    object_id: int
    offset: int
    size: int
    sha256: bytes
    name: str
    pk: int

    def blob(self) -> Blob:
        """Return its row as it is now."""
        found = Blob.objects.select_related("object").filter(pk=self.pk).first()
        if found is None:
            raise Damaged("The bytes were deleted while they were being sent: the version is gone.")
        return found


def send_bundle(scope: Entity, sha256s: Collection[bytes]) -> Iterator[bytes]:
    """Return the frames of blobs, each verified before it leaves; raise BlobsMissing before the first.

    A blob found damaged on the way ends the stream with Damaged: the receiver sees it cut short.
    """
    places = sorted(_places(scope, list(sha256s)))
    missing = set(sha256s) - {place.sha256 for place in places}
    if missing:
        raise BlobsMissing(
            f"The bytes of {len(missing)} files are missing from the store."
            " Ask an operator to restore them from a backup.",
            count=len(missing),
            sha256=sorted(sha256.hex() for sha256 in missing)[:10],
        )
    return _frames(places)


def _places(scope: Entity, sha256s: list[bytes]) -> Iterator[_Place]:
    columns = ("object_id", "offset", "size", "sha256", "object__name", "pk")
    for first in range(0, len(sha256s), 900):
        some = Blob.objects.sound().filter(scope=scope, sha256__in=sha256s[first : first + 900])
        yield from map(_Place._make, some.values_list(*columns))


def _frames(places: list[_Place]) -> Iterator[bytes]:
    for stretch in _stretches(places):
        if stretch[0].size > PIECE:
            yield from _large(stretch[0])
        else:
            yield _read(stretch)


def _stretches(places: Iterable[_Place]) -> Iterator[list[_Place]]:
    """Cut places into runs that one read of moderate size covers."""
    stretch: list[_Place] = []
    for place in places:
        if stretch and not _continues(stretch, place):
            yield stretch
            stretch = []
        stretch.append(place)
    if stretch:
        yield stretch


def _continues(stretch: list[_Place], place: _Place) -> bool:
    first, last = stretch[0], stretch[-1]
    return (
        place.object_id == first.object_id
        and place.offset - (last.offset + last.size) <= GAP
        and place.offset + place.size - first.offset <= PIECE
    )


def _read(stretch: list[_Place]) -> bytes:
    start, last = stretch[0].offset, stretch[-1]
    try:
        data = memoryview(read_stretch(last.name, start, last.offset + last.size - start))
    except Damaged:
        # The object may be gone because what lay in it was given another place: each is looked up anew.
        return b"".join(head(place.sha256, place.size) + read_blob(place.blob()) for place in stretch)
    frames: list[bytes | memoryview] = []
    for place in stretch:
        content = data[place.offset - start : place.offset - start + place.size]
        if hashlib.sha256(content).digest() != place.sha256:
            raise mark_damaged(place.blob())
        frames += (head(place.sha256, place.size), content)
    return b"".join(frames)


def _large(place: _Place) -> Iterator[bytes]:
    with open_blob(place.blob()) as opened:
        yield head(place.sha256, place.size)
        while piece := opened.read(PIECE):
            yield piece

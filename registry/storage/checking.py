"""Check objects against their rows, and the bytes in them against their digests; nothing here changes anything."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import NamedTuple

from django.db.models import F

from registry.models.blobs import Blob, StoredObject
from registry.storage.backends.base import Backend, Readable
from registry.storage.limits import PIECE

# Reads of this many bytes cost little for each; reading over a small gap is cheaper than a second read.
STRETCH = 4 * PIECE
GAP = 16 * 1024
# Rows of blobs in memory for one object: a pack of tiny files has a million.
PLACES = 20_000
_ASKED_AT_ONCE = 16
MISSING, SHORT, DAMAGED, UNREADABLE, MD5 = "missing", "short", "damaged", "unreadable", "md5"


class Stopped(Exception):
    """Somebody asked the check to stop."""


class Part(NamedTuple):
    """Part n of t: what a stable hash puts there, so that t runs cover all and a sample is always the same."""

    number: int
    of: int

    def has(self, name: str) -> bool:
        if self.of == 1:
            return True
        return self.has_digest(hashlib.sha256(name.encode()).digest())

    def has_digest(self, digest: bytes) -> bool:
        return self.of == 1 or int.from_bytes(digest[:8]) % self.of == self.number - 1


class Pace:
    """Limits the speed of several threads together, and stops them all."""

    def __init__(self, rate: int | None = None) -> None:
        self._rate = rate
        self._free_at = time.monotonic()
        self._lock = Lock()
        self._stopped = Event()
        self.bytes = 0

    def take(self, size: int) -> None:
        """Wait until so many more bytes may be read."""
        wait = 0.0
        with self._lock:
            self.bytes += size
            if self._rate:
                now = time.monotonic()
                begin = max(now, self._free_at)
                self._free_at, wait = begin + size / self._rate, begin - now
        if self._stopped.wait(wait) if wait else self._stopped.is_set():
            raise Stopped

    def stop(self) -> None:
        self._stopped.set()


class Place(NamedTuple):
    """Where a blob lies; sorted, places follow the disk."""

    offset: int
    size: int
    pk: int
    sha256: bytes
    md5: bytes
    scope_id: int
    marked: bool

    @property
    def end(self) -> int:
        return self.offset + self.size


class Fault(NamedTuple):
    """A blob that is not what its row says."""

    place: Place
    kind: str


@dataclass(slots=True)
class Reading:
    """What became of the blobs of one object, or of some thousands of them."""

    object_id: int
    name: str
    places: list[Place]
    last: bool = True
    faults: list[Fault] = field(default_factory=list)
    # Marked as damaged before, and right now.
    sound: list[Place] = field(default_factory=list)


def places(object_id: int, *, marked: bool = False) -> Iterator[list[Place]]:
    """Give the blobs of an object in the order of their place, so many at a time; at least one list."""
    columns = ("offset", "size", "pk", "sha256", "md5", "scope_id", "damaged_at")
    rows = Blob.objects.filter(object=object_id).order_by("offset", "pk")
    if marked:
        rows = rows.filter(damaged_at__isnull=False)
    page: list[Place] = []
    for offset, size, pk, sha256, md5, scope_id, damaged_at in rows.values_list(*columns).iterator(2000):
        page.append(Place(offset, size, pk, bytes(sha256), bytes(md5), scope_id, damaged_at is not None))
        if len(page) == PLACES:
            yield page
            page = []
    yield page


def readings(after: int, part: Part, *, most: int | None = None, page: int = 500) -> Iterator[Reading]:
    """Give what is to be read, by the objects' ids; objects larger than `most` are left out."""
    while True:
        rows = StoredObject.objects.filter(pk__gt=after, state=StoredObject.State.LIVE).order_by("pk")
        some = list(rows.values_list("pk", "name", "size")[:page])
        if not some:
            return
        after = some[-1][0]
        for pk, name, size in some:
            if part.has(name) and (most is None or size <= most):
                yield from _readings(pk, name)


def _readings(pk: int, name: str) -> Iterator[Reading]:
    waiting = places(pk)
    held = next(waiting)
    for following in waiting:
        yield Reading(pk, name, held, last=False)
        held = following
    yield Reading(pk, name, held)


def read(backend: Backend, reading: Reading, pace: Pace, *, md5: bool = False) -> Reading:
    """Read and hash all blobs of a reading, in the order of their place; no database: threads do this.

    What a local disk refuses is a fault of the bytes. Another storage that does not answer raises OSError: that
    says nothing of them.
    """
    for stretch in stretches(reading.places):
        try:
            _read_stretch(backend, reading, stretch, pace, md5)
        except FileNotFoundError:
            reading.faults += [Fault(place, MISSING) for place in stretch]
        except OSError:
            if backend.local_path(reading.name) is None:
                raise
            _read_each(backend, reading, stretch, pace, md5)
    return reading


def stretches(found: Iterable[Place]) -> Iterator[list[Place]]:
    """Cut places into runs that one read of moderate size covers; a large blob is a run by itself."""
    stretch: list[Place] = []
    end = 0
    for place in found:
        if stretch and (place.offset - end > GAP or place.end - stretch[0].offset > STRETCH):
            yield stretch
            stretch = []
        stretch.append(place)
        end = max(end, place.end) if len(stretch) > 1 else place.end
    if stretch:
        yield stretch


def _read_stretch(
    backend: Backend, reading: Reading, stretch: Sequence[Place], pace: Pace, md5: bool
) -> None:
    first, end = stretch[0].offset, max(place.end for place in stretch)
    with backend.open(reading.name, first, end - first) as opened:
        if end - first > STRETCH:
            _judge_stream(reading, stretch[0], opened, pace, md5)
            return
        pace.take(end - first)
        data = memoryview(opened.read())
    for place in stretch:
        content = data[place.offset - first : place.end - first]
        if len(content) < place.size:
            reading.faults.append(Fault(place, SHORT))
            continue
        sha = hashlib.sha256(content).digest()
        _judge(reading, place, sha, hashlib.md5(content, usedforsecurity=False).digest() if md5 else None)


def _judge_stream(reading: Reading, place: Place, source: Readable, pace: Pace, md5: bool) -> None:
    sha, twin, left = hashlib.sha256(), hashlib.md5(usedforsecurity=False), place.size
    while left:
        pace.take(min(PIECE, left))
        data = source.read(min(PIECE, left))
        if not data:
            reading.faults.append(Fault(place, SHORT))
            return
        sha.update(data)
        if md5:
            twin.update(data)
        left -= len(data)
    _judge(reading, place, sha.digest(), twin.digest() if md5 else None)


def _judge(reading: Reading, place: Place, sha256: bytes, md5: bytes | None) -> None:
    if sha256 != place.sha256:
        reading.faults.append(Fault(place, DAMAGED))
        return
    if md5 is not None and md5 != place.md5:
        reading.faults.append(Fault(place, MD5))
    if place.marked:
        reading.sound.append(place)


def _read_each(backend: Backend, reading: Reading, stretch: Sequence[Place], pace: Pace, md5: bool) -> None:
    """Read blob by blob, where the disk refused one of a stretch."""
    for place in stretch:
        try:
            _read_stretch(backend, reading, [place], pace, md5)
        except OSError:
            reading.faults.append(Fault(place, UNREADABLE))


class SizeFault(NamedTuple):
    """An object whose file is not as its row says; `actual` is None where there is no file."""

    object_id: int
    name: str
    size: int
    actual: int | None


def sizes(backend: Backend, rows: Iterable[tuple[int, str, int]]) -> Iterator[SizeFault]:
    """Compare the rows of objects with what the storage says of their size."""
    rows = list(rows)
    for (pk, name, size), actual in zip(rows, _actual(backend, [name for _, name, _ in rows]), strict=True):
        if actual != size:
            yield SizeFault(pk, name, size, actual)


def _actual(backend: Backend, names: list[str]) -> Iterator[int | None]:
    if len(names) < 2 or backend.local_path(names[0]) is not None:
        yield from (_size(backend, name) for name in names)
        return
    # Of a store elsewhere each is a request, which takes its time and little else.
    with ThreadPoolExecutor(_ASKED_AT_ONCE, thread_name_prefix="sizes") as pool:
        yield from pool.map(lambda name: _size(backend, name), names)


def _size(backend: Backend, name: str) -> int | None:
    try:
        return backend.size(name)
    except FileNotFoundError:
        return None


def beyond(object_ids: Sequence[int]) -> Iterator[tuple[int, Place]]:
    """Give the blobs that end after their object does, by the rows alone."""
    rows = Blob.objects.filter(object__in=object_ids).annotate(end=F("offset") + F("size"))
    columns = ("object_id", "offset", "size", "pk", "sha256", "md5", "scope_id", "damaged_at")
    for row in rows.filter(end__gt=F("object__size")).values_list(*columns):
        object_id, offset, size, pk, sha256, md5, scope_id, damaged_at = row
        yield object_id, Place(offset, size, pk, bytes(sha256), bytes(md5), scope_id, damaged_at is not None)

"""Steps of a check: objects against their rows, bytes against their digests, and objects that no row knows.

Each finding is looked at a second time before it is written down: the store is in use.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from uuid import UUID

from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from registry.errors import Unavailable
from registry.manifests import checking as nodes_of
from registry.models import Blob, Chunk, FsckFinding, Manifest, StoredObject, Upload, Version
from registry.services import collecting, fsck_nodes
from registry.services._common import now
from registry.services.fsck_work import Work
from registry.storage import checking
from registry.storage.backends.base import Listed
from registry.storage.checking import Fault, Pace, Place, Reading

Kind = FsckFinding.Kind
_PAGE = 500
# Readings under way: each holds some thousands of places at most.
_WINDOW = 8


def rows(work: Work, after: int) -> None:
    """Compare the rows of objects with the storage: is each there, and as long as it should be?"""
    live = StoredObject.objects.filter(state=StoredObject.State.LIVE)
    work.total = live.count()
    while some := list(live.filter(pk__gt=after).order_by("pk").values_list("pk", "name", "size")[:_PAGE]):
        after = some[-1][0]
        chosen = [row for row in some if work.part.has(row[1])]
        with _asked():
            faults = list(checking.sizes(work.backend, chosen))
        for fault in faults:
            _wrong_size(work, fault)
        names = {pk: name for pk, name, _ in chosen}
        for object_id, place in checking.beyond(list(names)):
            _confirm(work, Reading(object_id, names[object_id], [place]), [Fault(place, checking.SHORT)])
        work.note(after, len(some), objects=len(chosen))


def _wrong_size(work: Work, fault: checking.SizeFault) -> None:
    """Write down which contents and nodes a wrong length touches."""
    row = StoredObject.objects.filter(pk=fault.object_id, state=StoredObject.State.LIVE).first()
    with _asked():
        again = list(checking.sizes(work.backend, [(row.pk, row.name, row.size)])) if row else []
    if row is None or not again:
        return
    actual = -1 if again[0].actual is None else again[0].actual
    kind = checking.MISSING if actual < 0 else checking.SHORT
    touched = 0
    for page in checking.places(row.pk):
        lost = [place for place in page if place.end > actual]
        _write_down(work, row.pk, row.name, [Fault(place, kind) for place in lost])
        touched += len(lost)
    held = Chunk.objects.filter(object=row.pk).annotate(end=F("offset") + F("length"))
    lost_nodes = list(held.filter(end__gt=actual).values_list("pk", flat=True))
    for pk in lost_nodes:
        fsck_nodes.broken(work, pk)
    used = touched or lost_nodes or row.blobs.exists() or row.chunks.exists()
    if not touched and not lost_nodes and actual >= 0 and used:
        said = f"The row says {row.size} bytes, the storage {actual}; no content lies there."
        work.found(
            [
                FsckFinding(
                    kind=Kind.OBJECT_SIZE,
                    subject=f"object {row.pk}",
                    object_name=row.name,
                    size=row.size,
                    said=said,
                )
            ]
        )


def marked(work: Work, after: int) -> None:
    """Read again what was found damaged before: it may be right by now, and if it isn't, that is said each time."""
    held = Blob.objects.filter(damaged_at__isnull=False)
    for object_id, name in list(
        held.values_list("object_id", "object__name").distinct().order_by("object_id")
    ):
        for page in checking.places(object_id, marked=True):
            _settle(work, _read(work, Reading(object_id, name, page), work.pace))
    seen = 0
    while some := nodes_of.page_of(seen, marked=True):
        seen = some[-1].pk
        for row in some:
            if isinstance(nodes_of.frame_of(row), str):
                fsck_nodes.broken(work, row.pk)
            else:
                fsck_nodes.unmark([row], work)
    work.note(after)


def data(work: Work, after: int) -> None:
    """Read objects, each once and from its beginning to its end, and hash what lies in them; by several threads."""
    if not work.options.read_data:
        return
    live = StoredObject.objects.filter(state=StoredObject.State.LIVE).count()
    work.total = -(-live // work.options.parts)
    waiting: deque[Future[Reading]] = deque()
    threads = max(1, work.options.threads)
    found = checking.readings(after, work.part, most=work.options.most)
    with ThreadPoolExecutor(threads, thread_name_prefix="fsck") as pool:
        try:
            for reading in found:
                waiting.append(pool.submit(_read, work, reading, work.pace))
                if len(waiting) >= threads + _WINDOW:
                    _take(work, waiting.popleft())
            while waiting:
                _take(work, waiting.popleft())
        except BaseException:
            work.pace.stop()
            pool.shutdown(cancel_futures=True)
            raise


def _read(work: Work, reading: Reading, pace: Pace) -> Reading:
    with _asked():
        return checking.read(work.backend, reading, pace, md5=work.options.md5)


@contextmanager
def _asked() -> Iterator[None]:
    """Name what it means when the storage can't be asked."""
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"The storage does not answer ({error}); that says nothing of what is in it."
        ) from error


def _take(work: Work, done: Future[Reading]) -> None:
    reading = done.result()
    _settle(work, reading)
    if reading.last:
        work.note(reading.object_id, 1, contents=len(reading.places))
    else:
        work.count(contents=len(reading.places))


def _settle(work: Work, reading: Reading) -> None:
    """Write down what a reading found, and unmark what is right."""
    for place in reading.sound:
        held = Blob.objects.filter(pk=place.pk, object=reading.object_id, offset=place.offset)
        work.count(unmarked=held.filter(damaged_at__isnull=False).update(damaged_at=None))
    if reading.faults:
        _confirm(work, reading, reading.faults)


def _confirm(work: Work, reading: Reading, faults: list[Fault]) -> None:
    """Write down those faults that are there at a second look, of rows that still say the same."""
    for first in range(0, len(faults), _PAGE):
        some = faults[first : first + _PAGE]
        there = Blob.objects.filter(pk__in=[fault.place.pk for fault in some], object=reading.object_id)
        offsets = dict(there.values_list("pk", "offset"))
        left = [fault.place for fault in some if offsets.get(fault.place.pk) == fault.place.offset]
        again = _read(work, Reading(reading.object_id, reading.name, left), Pace())
        _write_down(work, reading.object_id, reading.name, again.faults)


def _write_down(work: Work, object_id: int, name: str, faults: Iterable[Fault]) -> None:
    waiting = iter(faults)
    while some := list(islice(waiting, _PAGE)):
        bad = [fault.place.pk for fault in some if fault.kind != checking.MD5]
        # Only where it still lies: somebody may have healed it since it was read.
        same = Blob.objects.filter(pk__in=bad, object=object_id, damaged_at=None)
        same.update(damaged_at=timezone.now())
        work.found([_finding(fault.place, fault.kind, name) for fault in some])


def _finding(place: Place, kind: str, name: str) -> FsckFinding:
    return FsckFinding(
        kind=kind,
        subject=f"content {place.pk}",
        scope_id=place.scope_id,
        digest=place.sha256.hex(),
        object_name=name,
        offset=place.offset,
        size=place.size,
    )


def orphans(work: Work, after: int) -> None:
    """Look for objects that no row knows, and count what waits for collection; neither is damage."""
    if not work.options.orphans:
        return
    before = now() - collecting.protection()
    with _asked():
        listed = (found for found in work.backend.walk() if found.modified < before)
    while some := _next(listed):
        names = [found.name for found in some]
        known = set(StoredObject.objects.filter(name__in=names).values_list("name", flat=True))
        lone = [found for found in some if found.name not in known and not _is_on_its_way(found.name)]
        work.found(
            [
                FsckFinding(
                    kind=Kind.ORPHAN, subject=f"orphan {one.name}", object_name=one.name, size=one.size
                )
                for one in lone
            ]
        )
        work.note(after, len(some), orphans=len(lone), orphan_bytes=sum(one.size for one in lone))
    unused = StoredObject.objects.filter(
        state=StoredObject.State.LIVE, created_at__lt=before, blobs=None, chunks=None
    )
    held = Version.objects.filter(nodes_of.LIVE, manifest=OuterRef("pk"))
    lists = Manifest.objects.filter(~Exists(held), used_at__lt=before)
    work.count(unused_objects=unused.count(), unused_manifests=lists.count())


def _next(listed: Iterator[Listed]) -> list[Listed]:
    with _asked():
        return list(islice(listed, _PAGE))


def _is_on_its_way(name: str) -> bool:
    """Say whether an upload may be completed as this object at any moment: its file is as old as its last byte."""
    kind, _, key = name.rpartition("/")
    try:
        upload = UUID(hex=key)
    except ValueError:
        return False
    return kind.startswith("large/") and Upload.objects.filter(pk=upload, state=Upload.State.OPEN).exists()

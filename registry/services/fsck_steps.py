"""The steps of a check. Each finding is looked at a second time before it is written down: the store is in use."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db.models import Count, F, Max, Q, Sum
from django.utils import timezone

from registry.manifests import checking as nodes_of
from registry.manifests.touching import Touching, name_of
from registry.models import Blob, Chunk, Collection, FsckFinding, Manifest, StoredObject, Version
from registry.services._common import now
from registry.services.fsck_work import Interrupted, Work
from registry.storage import checking
from registry.storage.checking import Fault, Pace, Place, Reading

Kind = FsckFinding.Kind
_PAGE = 500
# Readings under way: each holds some thousands of places at most.
_WINDOW = 8
# Findings whose versions and paths are looked for in one walk.
_AT_ONCE = 20_000
# Of the first kinds the digest is a content's; of the second a node's that can't be read; of the third one that can.
_CONTENTS = (Kind.MISSING, Kind.SHORT, Kind.DAMAGED, Kind.UNREADABLE, Kind.MD5, Kind.UNKNOWN, Kind.SIZE)
_BROKEN = (Kind.NODE, Kind.NODE_LOST)
_NAMED = (Kind.NODE_ROW, Kind.MD5S)
# What a node names in vain is wrong only where somebody's manifest reaches the node.
_IF_REACHED = (Kind.UNKNOWN, Kind.SIZE, Kind.NODE_LOST)


def protected_since(at: datetime) -> datetime:
    """Since when objects without rows may be those of somebody who is about to write the rows."""
    return at - timedelta(hours=max(24, settings.DRAFT_HOURS))


def rows(work: Work, after: int) -> None:
    """Compare the rows of objects with the storage: is each there, and as long as it should be?"""
    live = StoredObject.objects.filter(state=StoredObject.State.LIVE)
    work.total = live.count()
    while some := list(live.filter(pk__gt=after).order_by("pk").values_list("pk", "name", "size")[:_PAGE]):
        after = some[-1][0]
        chosen = [row for row in some if work.part.has(row[1])]
        for fault in checking.sizes(work.backend, chosen):
            _wrong_size(work, fault)
        names = {pk: name for pk, name, _ in chosen}
        for object_id, place in checking.beyond(list(names)):
            _confirm(work, Reading(object_id, names[object_id], [place]), [Fault(place, checking.SHORT)])
        work.note(after, len(some), objects=len(chosen))


def _wrong_size(work: Work, fault: checking.SizeFault) -> None:
    """Write down which contents and nodes a wrong length touches."""
    row = StoredObject.objects.filter(pk=fault.object_id, state=StoredObject.State.LIVE).first()
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
        _broken_node(work, pk)
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
            _settle(work, _read(work, Reading(object_id, name, page), Pace()))
    seen = 0
    while some := nodes_of.page_of(seen, marked=True):
        seen = some[-1].pk
        for row in some:
            if isinstance(nodes_of.frame_of(row), str):
                _broken_node(work, row.pk)
            else:
                _unmark_nodes([row], work)
    work.note(after)


def data(work: Work, after: int) -> None:
    """Read objects, each once and from its beginning to its end, and hash what lies in them; by several threads."""
    if not work.options.read_data:
        return
    sizes = StoredObject.objects.filter(state=StoredObject.State.LIVE).aggregate(
        n=Count("pk"), size=Sum("size")
    )
    work.total = -(-sizes["n"] // work.options.parts)
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
    try:
        return checking.read(work.backend, reading, pace, md5=work.options.md5)
    except OSError as error:
        raise Interrupted(f"The storage does not answer ({error}). Go on later with --resume.") from error


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


def nodes(work: Work, after: int) -> None:
    """Check each node of the manifests, and that what it names is there."""
    work.total = Chunk.objects.count()
    while some := nodes_of.page_of(after):
        after = some[-1].pk
        chosen = [row for row in some if work.part.has_digest(row.sha256)]
        if chosen:
            checked = nodes_of.check(chosen)
            work.pace.take(checked.bytes)
            _unmark_nodes(checked.sound, work)
            for fault in checked.faults:
                _node_fault(work, fault)
            work.count(nodes=checked.nodes, entries=checked.entries)
        work.note(after, len(some))


def _unmark_nodes(rows: Iterable[nodes_of.Stored], work: Work) -> None:
    for row in rows:
        same = Chunk.objects.filter(pk=row.pk, offset=row.offset, damaged_at__isnull=False)
        work.count(unmarked=same.update(damaged_at=None))


def _node_fault(work: Work, fault: nodes_of.NodeFault) -> None:
    """Write a fault of a node down, unless it is gone at a second look."""
    if fault.kind == nodes_of.NODE:
        _broken_node(work, fault.pk)
        return
    if fault.pk:
        row = nodes_of.again(fault.pk)
        if row is None or fault not in nodes_of.check([row]).faults:
            return
    elif not nodes_of.missing_nodes(fault.scope_id, [fault.digest]):
        return
    subject = f"{fault.kind} {fault.scope_id} {fault.digest.hex()}"
    work.found([_of_node(fault, subject)])


def _broken_node(work: Work, pk: int) -> None:
    row = nodes_of.again(pk)
    said = nodes_of.frame_of(row) if row else ""
    if row is None or not isinstance(said, str):
        return
    Chunk.objects.filter(pk=pk, offset=row.offset, damaged_at=None).update(damaged_at=timezone.now())
    work.found([_of_node(row.fault(nodes_of.NODE, said), f"node {pk}")])


def _of_node(fault: nodes_of.NodeFault, subject: str) -> FsckFinding:
    return FsckFinding(
        kind=fault.kind,
        subject=subject,
        scope_id=fault.scope_id,
        digest=fault.digest.hex(),
        object_name=fault.object_name,
        offset=fault.offset,
        size=fault.size,
        said=fault.said,
        # Where the fault is one of a row that can be read, its id helps to mend it.
        touched={"row": fault.pk},
    )


def roots(work: Work, after: int) -> None:
    """Check that the roots of all manifests are there, and that versions say what their manifests say."""
    work.total = Manifest.objects.count()
    while True:
        last, faults = nodes_of.check_manifests(after)
        if not last:
            break
        for fault in faults:
            _node_fault(work, fault)
        after = last
        work.note(after)
    for pk, said in nodes_of.unlike_their_manifests():
        name = name_of(Version.objects.select_related("sequence__project__entity").get(pk=pk))
        touched = {"versions": 1, "paths": 0, "first": [[name, ""]]}
        work.found([FsckFinding(kind=Kind.VERSION, subject=f"version {pk}", said=said, touched=touched)])


def wrong_totals() -> Iterator[tuple[str, int, str, int, int]]:
    """Give what, its id, its name, the kept total and the right one, of each kept total that is wrong."""
    committed = Count("memberships", filter=Q(memberships__version__state=Version.State.COMMITTED))
    held = Collection.objects.annotate(counted=committed).exclude(version_count=F("counted"))
    for one in held.select_related("project__entity"):
        yield "versions", one.pk, f"{one.project}/{one.name}", one.version_count, one.counted
    numbered = Collection.objects.annotate(most=Max("memberships__number")).filter(next_number__lte=F("most"))
    for late in numbered.select_related("project__entity"):
        yield "next number", late.pk, f"{late.project}/{late.name}", late.next_number, late.most + 1


def totals(work: Work, after: int) -> None:
    """Compare kept totals with a count."""
    first = list(wrong_totals())
    # A second look: between a count and the total that is kept of it, somebody may have logged.
    wrong = [row for row in wrong_totals() if row in first] if first else []
    for what, pk, name, kept, counted in wrong:
        said = f"{name}: {what} is kept as {kept}, and should be {counted}."
        work.found([FsckFinding(kind=Kind.TOTAL, subject=f"{what} {pk}", said=said, size=counted)])
    work.note(after)


def orphans(work: Work, after: int) -> None:
    """Look for objects that no row knows, and count what waits for collection; neither is damage."""
    if not work.options.orphans:
        return
    before = protected_since(now())
    listed = (found for found in work.backend.walk() if found.modified < before)
    while some := list(islice(listed, _PAGE)):
        names = [found.name for found in some]
        known = set(StoredObject.objects.filter(name__in=names).values_list("name", flat=True))
        lone = [found for found in some if found.name not in known]
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
    work.count(unused_objects=unused.count())


def touched(work: Work, after: int) -> None:
    """Find out which versions and paths are touched; manifests are walked only where there is damage."""
    wrong = work.run.findings.filter(scope__isnull=False, kind__in=[*_CONTENTS, *_BROKEN, *_NAMED])
    for scope_id in wrong.order_by("scope_id").values_list("scope_id", flat=True).distinct():
        of_scope = wrong.filter(scope=scope_id).order_by("pk")
        broken = _digests(of_scope.filter(kind__in=_BROKEN))
        seen = 0
        while some := list(of_scope.filter(pk__gt=seen)[:_AT_ONCE]):
            seen = some[-1].pk
            _touch(scope_id, some, broken)
            work.note(after, len(some))


def _digests(findings: Iterable[FsckFinding]) -> set[bytes]:
    return {bytes.fromhex(one.digest) for one in findings}


def _touch(scope_id: int, findings: list[FsckFinding], broken: set[bytes]) -> None:
    contents = _digests(one for one in findings if one.kind in _CONTENTS)
    named = _digests(one for one in findings if one.kind in _NAMED)
    reached = Touching(scope_id, contents, broken, named).find()
    # Below a node that can't be read lies what nobody can tell to be unneeded.
    hidden = any(digest in reached for digest in broken)
    for one in findings:
        found = reached.get(bytes.fromhex(one.digest))
        if found is not None:
            one.touched |= found.as_json() | {"manifests": found.manifests}
        elif one.kind in _IF_REACHED and not hidden:
            # Nobody's manifest reaches it: it waits for collection, as what it names may have been collected.
            one.delete()
            continue
        one.save(update_fields=["touched"])

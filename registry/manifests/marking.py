"""Which parts of manifests are needed, and which blobs they name: what garbage collection goes by.

A node is needed when a manifest's trees have it; a blob, when any leaf that is there names it, needed or not: so a
leaf is never there without the bytes that it was found complete with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from django.db import IntegrityError
from django.db.models import Exists, Max, OuterRef, ProtectedError, QuerySet
from strongroom.core.errors import Damaged

from registry.manifests.framing import ENTRIES
from registry.manifests.leaves import NO_DIGEST
from registry.manifests.nodes import Index
from registry.manifests.source import lost, read_nodes
from registry.manifests.walk import as_leaf, root_ref
from registry.models import Blob, Chunk, Manifest, Version
from registry.storage import epochs

_BATCH = 500
_DIGESTS = 900  # SQLite takes a bounded number of parameters in one statement


@dataclass(slots=True)
class Counted:
    """How much was given up, or would be: rows of each kind, and the bytes of blobs."""

    manifests: int = 0
    chunks: int = 0
    blobs: int = 0
    bytes: int = 0
    # Unused, but not for long enough.
    waiting_bytes: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def unused_manifests(scope_id: int, before: datetime) -> QuerySet[Manifest]:
    """Manifests that no version has (live, in the trash or a draft) and that nobody staged since."""
    has = Version.objects.filter(manifest=OuterRef("pk"))
    return Manifest.objects.filter(~Exists(has), scope=scope_id, used_at__lt=before)


@dataclass(slots=True)
class Sweep:
    """One look through an entity, and what to do about what it found.

    `preview` counts and deletes nothing. Each batch is a transaction of its own, so it may end anywhere: what is not
    deleted is found the next time.
    """

    scope_id: int
    before: datetime
    preview: bool = False
    counted: Counted = field(default_factory=Counted)
    _needed: set[bytes] = field(default_factory=set)
    _manifests_to: int = 0
    _chunks_to: int = 0
    _marks: _Marks = field(default_factory=lambda: _Marks())

    def run(self) -> Iterator[Counted]:
        """Go through manifests, their parts and blobs; give what was counted so far after each batch.

        Raises Damaged when a part of a needed manifest cannot be read: nothing is given up then that it may name.
        """
        yield from self._manifests()
        yield from self._chunks()
        yield from self._blobs()

    # Manifests: all rows that are left are roots.

    def _manifests(self) -> Iterator[Counted]:
        if self.preview:
            self.counted.manifests = unused_manifests(self.scope_id, self.before).count()
        else:
            while gone := self._delete_manifests():
                self.counted.manifests += gone
                yield self.counted
        self._mark(self._new_roots())

    def _delete_manifests(self) -> int:
        unused = unused_manifests(self.scope_id, self.before)
        try:
            with epochs.alone(self.scope_id):
                held = unused.order_by("pk").select_for_update(of=("self",))
                ids = list(held.values_list("pk", flat=True)[:_BATCH])
                gone = Manifest.objects.filter(pk__in=ids).delete()[0]
                if gone:
                    epochs.gave_up(self.scope_id)
        except (IntegrityError, ProtectedError):
            return 0  # a version has one of them since; the others wait for the next time
        return gone

    def _new_roots(self) -> list[bytes]:
        """Return the roots of manifests that came since the last look."""
        with epochs.alone(self.scope_id):
            return self._roots_since()

    def _roots_since(self) -> list[bytes]:
        rows = Manifest.objects.filter(scope=self.scope_id, pk__gt=self._manifests_to)
        if self.preview:
            rows = rows.exclude(pk__in=unused_manifests(self.scope_id, self.before).values("pk"))
        found = list(rows.order_by("pk").values_list("pk", "root", "folders_root"))
        if found:
            self._manifests_to = found[-1][0]
        return [bytes(root) for row in found for root in row[1:]]

    # Parts: what no tree has, and nobody relied on lately.

    def _mark(self, roots: Iterable[bytes]) -> None:
        """Note all nodes below some roots, each of which must be there; leaves are not read yet."""
        waiting = {root for root in roots if root not in self._needed}
        while waiting:
            some = [waiting.pop() for _ in range(min(_BATCH, len(waiting)))]
            self._needed.update(some)
            for _, node in read_nodes(self.scope_id, self._inner(some)):
                for child in node.refs if isinstance(node, Index) else ():
                    if child.digest not in self._needed:
                        waiting.add(child.digest)

    def _inner(self, digests: Sequence[bytes]) -> list[bytes]:
        """Return those that have nodes below; raise Damaged when one is not there: who knows what it named?"""
        rows = Chunk.objects.filter(scope=self.scope_id, sha256__in=digests)
        levels = {bytes(sha): level for sha, level in rows.values_list("sha256", "level")}
        for digest in digests:
            if digest not in levels:
                raise lost(root_ref(digest))
        return [digest for digest, level in levels.items() if level]

    def _chunks(self) -> Iterator[Counted]:
        last = 0
        while found := list(self._old_chunks().filter(pk__gt=last).values_list("pk", "sha256")[:_BATCH]):
            last = found[-1][0]
            batch = [(pk, bytes(sha)) for pk, sha in found]
            unused = [pk for pk, sha in batch if sha not in self._needed]
            if self.preview:
                self.counted.chunks += len(unused)
            elif unused:
                self._delete_chunks(batch)
            yield self.counted

    def _old_chunks(self) -> QuerySet[Chunk]:
        return Chunk.objects.filter(scope=self.scope_id, used_at__lt=self.before).order_by("pk")

    def _delete_chunks(self, batch: Sequence[tuple[int, bytes]]) -> None:
        with epochs.alone(self.scope_id):
            self._mark(self._roots_since())
            unused = [pk for pk, sha in batch if sha not in self._needed]
            held = self._old_chunks().filter(pk__in=unused).select_for_update()
            gone = Chunk.objects.filter(pk__in=list(held.values_list("pk", flat=True))).delete()[0]
            self.counted.chunks += gone
            if gone:
                epochs.gave_up(self.scope_id)

    # Blobs: what no leaf names.

    def _blobs(self) -> Iterator[Counted]:
        bounds = Blob.objects.filter(scope=self.scope_id).order_by("pk").values_list("pk", flat=True)
        first, end = bounds.first(), bounds.last()
        if first is None or end is None:
            return
        self._marks = _Marks(first, end)
        for _ in self._name_blobs(self._last_chunk()):
            yield self.counted
        last = first - 1
        while batch := self._batch_of_blobs(last):
            last = batch[-1][0]
            self._judge(batch)
            yield self.counted

    def _batch_of_blobs(self, after: int) -> list[tuple[int, int, datetime]]:
        rows = Blob.objects.filter(scope=self.scope_id, pk__gt=after).order_by("pk")
        return list(rows.values_list("pk", "size", "created_at")[: 10 * _BATCH])

    def _judge(self, batch: Sequence[tuple[int, int, datetime]]) -> None:
        unused = [row for row in batch if row[0] not in self._marks]
        old = [(pk, size) for pk, size, created in unused if created < self.before]
        self.counted.waiting_bytes += sum(size for _, size, created in unused if created >= self.before)
        if self.preview:
            self.counted.blobs += len(old)
            self.counted.bytes += sum(size for _, size in old)
            return
        for at in range(0, len(old), _BATCH):
            self._delete_blobs([pk for pk, _ in old[at : at + _BATCH]])

    def _delete_blobs(self, ids: list[int]) -> None:
        with epochs.alone(self.scope_id):
            for _ in self._name_blobs(None):
                pass
            # Locked in the order in which uploads insert and heal rows.
            rows = Blob.objects.filter(pk__in=[pk for pk in ids if pk not in self._marks])
            held = rows.filter(created_at__lt=self.before).order_by("sha256").select_for_update()
            gone = dict(held.values_list("pk", "size"))
            Blob.objects.filter(pk__in=list(gone)).delete()
            self.counted.blobs += len(gone)
            self.counted.bytes += sum(gone.values())
            if gone:
                epochs.gave_up(self.scope_id)

    def _last_chunk(self) -> int:
        """Return up to where parts are looked through unlocked: a later one may be on its way with a lower key."""
        with epochs.alone(self.scope_id):
            return Chunk.objects.filter(scope=self.scope_id).aggregate(last=Max("pk"))["last"] or 0

    def _name_blobs(self, to: int | None) -> Iterator[None]:
        """Mark the blobs of the leaves that came since the last look, up to one; all of them, with the lock held."""
        rows = Chunk.objects.filter(scope=self.scope_id, kind=ENTRIES, level=0).order_by("pk")
        if to is not None:
            rows = rows.filter(pk__lte=to)
        while found := list(rows.filter(pk__gt=self._chunks_to).values_list("pk", "sha256", "used_at")[:64]):
            self._chunks_to = found[-1][0]
            wanted = [bytes(sha) for _, sha, used_at in found if self._stays(bytes(sha), used_at)]
            self._marks.add(self.scope_id, self._named(wanted))
            yield
        self._chunks_to = max(self._chunks_to, to or 0)

    def _named(self, leaves: Sequence[bytes]) -> set[bytes]:
        """Return the blobs that some leaves name; one that another round deletes at this moment is no damage."""
        named: set[bytes] = set()
        try:
            for _, node in read_nodes(self.scope_id, leaves):
                named.update(as_leaf(node).blobs())
        except Damaged:
            rows = Chunk.objects.filter(scope=self.scope_id, sha256__in=leaves)
            there = [bytes(sha) for sha in rows.values_list("sha256", flat=True)]
            if len(there) == len(leaves):
                raise
            return self._named(there)
        named.discard(NO_DIGEST)
        return named

    def _stays(self, sha: bytes, used_at: datetime) -> bool:
        return not self.preview or sha in self._needed or used_at >= self.before


class _Marks:
    """A bit for each blob, by the key of its row: a hundred million take 12 MB."""

    def __init__(self, first: int = 1, last: int = 0) -> None:
        self._first = first
        self._bits = bytearray((last - first) // 8 + 1)

    def add(self, scope_id: int, digests: set[bytes]) -> None:
        waiting = iter(digests)
        while some := list(islice(waiting, _DIGESTS)):
            rows = Blob.objects.filter(scope=scope_id, sha256__in=some)
            for pk in rows.values_list("pk", flat=True):
                at = pk - self._first
                if at >> 3 < len(self._bits):
                    self._bits[at >> 3] |= 1 << (at & 7)

    def __contains__(self, pk: int) -> bool:
        at = pk - self._first
        # What came after the look began is nobody's to judge.
        return at >> 3 >= len(self._bits) or bool(self._bits[at >> 3] & 1 << (at & 7))

"""Packs that are mostly dead are written anew, without what nobody needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, OuterRef, Subquery, Sum

from registry.errors import Damaged
from registry.models.blobs import Blob, StoredObject
from registry.models.manifests import Chunk
from registry.storage.durable import IncomingFile, incoming_file
from registry.storage.frames import HEAD, head
from registry.storage.limits import PACK_MAX, PIECE
from registry.storage.objects import new_name, publish, read_piece, recorded

# A pack of which more than half is dead is always written anew: that gives back more than it writes.
_DEAD = 0.5
# Beyond that, packs are written anew while this share of all packs is dead, those first that have most of it.
_TOLERATED = 0.05
# One read covers so much, and reads over small gaps.
_STRETCH, _GAP = 4 * PIECE, 64 * 1024


@dataclass(frozen=True, slots=True)
class _Kind:
    """What packs hold: blobs with a head before each, or parts of manifests as they are."""

    folder: str
    rows: Any
    size: str
    head: int
    # How others lock several such rows: in one order for all, so that nobody waits in a circle.
    order: Callable[[_Move], Any]

    def live(self) -> Subquery:
        """Compute the bytes of an object that rows still name, with their heads."""
        inside = self.rows.filter(object=OuterRef("pk")).order_by().values("object")
        return Subquery(inside.annotate(live=Sum(self.size) + self.head * Count("pk")).values("live"))


KINDS = (
    _Kind("packs", Blob.objects, "size", HEAD.size, lambda move: (move.scope_id, move.sha256)),
    _Kind("nodes", Chunk.objects, "length", 0, lambda move: move.pk),
)


@dataclass(frozen=True, slots=True)
class Worn:
    """A pack with dead bytes in it."""

    pk: int
    size: int
    live: int

    @property
    def dead(self) -> int:
        return self.size - self.live


def worn(kind: _Kind, before: datetime) -> list[Worn]:
    """Return the packs to be written anew, those first of which most is dead."""
    rows = StoredObject.objects.filter(
        state=StoredObject.State.LIVE, created_at__lt=before, name__startswith=f"{kind.folder}/"
    )
    found = rows.annotate(live=kind.live()).filter(live__isnull=False).values_list("pk", "size", "live")
    packs = sorted((Worn(*row) for row in found), key=lambda pack: (pack.live / max(pack.size, 1), pack.pk))
    left, tolerated = sum(pack.dead for pack in packs), _TOLERATED * sum(pack.size for pack in packs)
    chosen = []
    for pack in packs:
        if pack.dead <= 0 or (left <= tolerated and pack.dead <= _DEAD * pack.size):
            break
        chosen.append(pack)
        left -= pack.dead
    return chosen


def compact(before: datetime) -> Iterator[tuple[int, int]]:
    """Write worn packs anew, several into one; give how many objects and bytes that gives back.

    The old object has no rows afterwards, and is doomed like any other. A reader that looked up the old place finds
    it until its bytes go, and looks again then.
    """
    for kind in KINDS:
        for group in _groups(worn(kind, before)):
            moved = _rewrite(kind, list(StoredObject.objects.filter(pk__in=[pack.pk for pack in group])))
            if moved:
                yield len(group), sum(pack.size for pack in group) - moved


def _groups(packs: list[Worn]) -> Iterator[list[Worn]]:
    """Gather packs until what is live in them fills one."""
    group: list[Worn] = []
    for pack in packs:
        if group and sum(each.live for each in group) + pack.live > PACK_MAX:
            yield group
            group = []
        group.append(pack)
    if group:
        yield group


def _rewrite(kind: _Kind, group: list[StoredObject]) -> int:
    """Copy what is live into one new object and point its rows there; return the size of that."""
    name = new_name(kind.folder)
    with incoming_file() as file:
        moves = [move for stored in group for move in _copy(kind, stored, file)]
        if not moves:
            return 0
        publish(file, name)
    with recorded(name) as outcome:
        stored = StoredObject.objects.create(name=name, size=file.size)
        if not _point(kind, stored, moves):
            # All of it was deleted, healed or moved by another meanwhile.
            outcome.drop(stored)
            return 0
    return file.size


@dataclass(frozen=True, slots=True)
class _Move:
    """A row, where it lay, and where its bytes are now as well."""

    scope_id: int
    sha256: bytes
    pk: int
    object_id: int
    offset: int
    to: int


def _copy(kind: _Kind, stored: StoredObject, file: IncomingFile) -> Iterator[_Move]:
    rows = kind.rows.filter(object=stored, damaged_at=None).order_by("offset", "pk")
    columns = rows.values_list("pk", "scope_id", "sha256", "offset", kind.size)
    for stretch in _stretches(_Row(*row) for row in columns.iterator()):
        for row, data in _read(stored, stretch):
            if kind.folder == "packs":
                if hashlib.sha256(data).digest() != bytes(row.sha256):
                    continue
                file.write(head(bytes(row.sha256), row.size))
            to = file.size
            file.write(data)
            yield _Move(row.scope, bytes(row.sha256), row.pk, stored.pk, row.offset, to)


class _Row(NamedTuple):
    pk: int
    scope: int
    sha256: bytes
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def _stretches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Cut rows into runs that one read covers: from a store elsewhere, each read is a request."""
    run: list[_Row] = []
    for row in rows:
        if run and (row.offset - run[-1].end > _GAP or row.end - run[0].offset > _STRETCH):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _read(stored: StoredObject, rows: list[_Row]) -> Iterator[tuple[_Row, bytes | memoryview]]:
    start = rows[0].offset
    try:
        data = memoryview(read_piece(stored, start, max(row.end for row in rows) - start))
    except Damaged:
        if len(rows) > 1:
            for row in rows:
                yield from _read(stored, [row])
        return  # what can't be read stays where it is: a read, or fsck, notes and tells it
    for row in rows:
        yield row, data[row.offset - start : row.end - start]


def _point(kind: _Kind, stored: StoredObject, moves: list[_Move]) -> int:
    """Give rows their new place, those that still lie where they were copied from; return how many."""
    table = connection.ops.quote_name(kind.rows.model._meta.db_table)
    sql = (
        f'UPDATE {table} SET object_id = %s, "offset" = %s WHERE id = %s AND object_id = %s AND "offset" = %s'  # noqa: S608  # a table of ours
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            sql,
            [
                (stored.pk, move.to, move.pk, move.object_id, move.offset)
                for move in sorted(moves, key=kind.order)
            ],
        )
        return max(int(cursor.rowcount), 0)

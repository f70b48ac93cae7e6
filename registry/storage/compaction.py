"""Packs that are mostly dead are written anew, without what nobody needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from registry.errors import Damaged
from registry.models.blobs import Blob, StoredObject
from registry.models.manifests import Chunk
from registry.storage.durable import IncomingFile, incoming_file
from registry.storage.frames import head
from registry.storage.limits import PACK_MAX
from registry.storage.objects import new_name, publish, read_piece, recorded

_BATCH = 200
# Live bytes below half of an object: to write it anew then gives back more than it writes.
_DEAD = 2


@dataclass(frozen=True, slots=True)
class _Kind:
    """What packs hold: blobs with a head before each, or parts of manifests as they are."""

    folder: str
    rows: Any
    size: str
    # How others lock several such rows: in one order for all, so that nobody waits in a circle.
    order: Callable[[_Move], Any]

    def live(self) -> Subquery:
        """Compute the bytes of an object that rows still name."""
        inside = self.rows.filter(object=OuterRef("pk")).order_by().values("object")
        return Subquery(inside.annotate(live=Sum(self.size)).values("live"))


KINDS = (
    _Kind("packs", Blob.objects, "size", lambda move: (move.scope_id, move.sha256)),
    _Kind("nodes", Chunk.objects, "length", lambda move: move.pk),
)


def mostly_dead(kind: _Kind, before: datetime) -> QuerySet[StoredObject]:
    """Objects of which less than half is needed, but some of it."""
    rows = StoredObject.objects.filter(
        state=StoredObject.State.LIVE, created_at__lt=before, name__startswith=f"{kind.folder}/"
    )
    return rows.annotate(live=Coalesce(kind.live(), 0)).filter(live__gt=0, live__lt=F("size") / _DEAD)


def compact(before: datetime) -> Iterator[tuple[int, int]]:
    """Write mostly dead packs anew, several into one; give how many objects and bytes that gives back.

    The old object has no rows afterwards, and is doomed like any other. A reader that looked up the old place finds
    it until its bytes go, and looks again then.
    """
    for kind in KINDS:
        last = 0
        while rows := list(mostly_dead(kind, before).filter(pk__gt=last).order_by("pk")[:_BATCH]):
            last = rows[-1].pk
            for group in _groups(rows):
                moved = _rewrite(kind, group)
                yield len(group), sum(row.size for row in group) - moved


def _groups(rows: list[Any]) -> Iterator[list[Any]]:
    """Gather objects until what is live in them fills a pack."""
    group: list[Any] = []
    for row in rows:
        if group and sum(each.live for each in group) + row.live > PACK_MAX:
            yield group
            group = []
        group.append(row)
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
    for pk, scope, sha256, offset, size in rows.values_list(
        "pk", "scope_id", "sha256", "offset", kind.size
    ).iterator():
        try:
            data = read_piece(stored, offset, size)
        except Damaged:
            continue  # it stays where it is: a read, or fsck, notes and tells it
        if kind.folder == "packs":
            if hashlib.sha256(data).digest() != bytes(sha256):
                continue
            file.write(head(bytes(sha256), size))
        to = file.size
        file.write(data)
        yield _Move(scope, bytes(sha256), pk, stored.pk, offset, to)


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

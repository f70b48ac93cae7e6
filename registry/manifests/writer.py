"""Nodes on their way into the store: known ones are skipped, new ones written many to an object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from registry import storage
from registry.manifests.framing import Encoded
from registry.manifests.leaves import LeafDraft
from registry.manifests.nodes import Draft
from registry.models import Chunk
from registry.storage import epochs

# Nodes wait until there are this many raw bytes of them: then one query asks which are known.
_BATCH_BYTES = 1024 * 1024
_PACK_BYTES = 8 * 1024 * 1024
# New nodes that are together no larger than this are kept in their rows: most versions have a few files,
# and an object of some hundred bytes would cost each of them a file and two fsyncs.
_INLINE_BYTES = 16 * 1024


def _used_every() -> timedelta:
    """How often a chunk in use is marked so at most: collection waits four times as long, and mostly much longer."""
    return min(timedelta(hours=1), timedelta(seconds=settings.PROTECTION_SECONDS / 4))


@dataclass(slots=True)
class Known:
    """What the database says of a chunk."""

    pk: int
    md5s: bytes | None
    damaged: bool
    used_at: datetime


@dataclass(slots=True)
class Pending:
    """A node, what it was made from, and what is known of it."""

    node: Encoded
    draft: Draft
    known: Known | None = None
    md5s: bytes | None = None

    @property
    def leaf(self) -> LeafDraft | None:
        return self.draft if isinstance(self.draft, LeafDraft) else None


@dataclass(slots=True)
class _Piece:
    """A node ready to be written."""

    row: Chunk
    known: Known | None
    data: bytes


class NodeWriter:
    """A sink for the trees of one manifest; `settle` sets the MD5s of the leaves of a batch."""

    def __init__(self, scope_id: int, settle: Callable[[list[Pending]], None]) -> None:
        self._scope_id = scope_id
        self._settle = settle
        self._epoch = epochs.current(scope_id)
        self._pending: list[Pending] = []
        self._pending_bytes = 0
        self._pieces: list[_Piece] = []
        self._piece_bytes = 0
        self._placed: list[_Piece] = []
        self.written = 0

    def put(self, node: Encoded, draft: Draft) -> None:
        self._pending.append(Pending(node, draft))
        self._pending_bytes += node.raw_length
        if self._pending_bytes >= _BATCH_BYTES:
            self._advance()

    def place(self) -> None:
        """Put all nodes where they will stay: large ones become files, durably, small ones wait for their rows."""
        self._advance()
        self._place()

    def record(self) -> None:
        """Write the rows of what was placed: quick, and fit to be part of another's transaction."""
        placed, self._placed = self._placed, []
        # In one order for all, so that two who insert the same nodes can't wait for each other.
        fresh = sorted(
            (piece.row for piece in placed if piece.known is None), key=lambda row: bytes(row.sha256)
        )
        with transaction.atomic(savepoint=False):
            # Also when all nodes are known: they may have been given up since they were looked up.
            epochs.hold(self._scope_id, self._epoch)
            if not placed:
                return
            storage.hold_objects({piece.row.object_id for piece in placed if piece.row.object_id is not None})
            # Whoever staged the same node meanwhile has won: ours is dead space in its pack.
            Chunk.objects.bulk_create(fresh, ignore_conflicts=True)
            for piece in placed:
                if piece.known:
                    _heal(piece.known.pk, piece.row)
        self.written += len(placed)

    def _advance(self) -> None:
        """Find out which waiting nodes are known, and turn the others into pieces of a pack."""
        batch, self._pending, self._pending_bytes = self._pending, [], 0
        known = self._look_up([item.node.digest for item in batch])
        for item in batch:
            item.known = known.get(item.node.digest)
        self._settle([item for item in batch if item.leaf is not None])
        self._refresh(batch)
        for item in batch:
            # One that was found damaged counts as unknown: staging it again is how it heals.
            if item.known is None or item.known.damaged:
                self._add_piece(item)
        if self._piece_bytes >= _PACK_BYTES:
            self._place()
            self.record()

    def _look_up(self, digests: list[bytes]) -> dict[bytes, Known]:
        rows = Chunk.objects.filter(scope_id=self._scope_id, sha256__in=digests).values_list(
            "sha256", "pk", "md5s", "damaged_at", "used_at"
        )
        return {
            bytes(sha): Known(pk, None if md5s is None else bytes(md5s), damaged is not None, used)
            for sha, pk, md5s, damaged, used in rows
        }

    def _refresh(self, batch: list[Pending]) -> None:
        """Keep what is used again from the collector, and seal leaves whose last bytes have come since."""
        now, every = timezone.now(), _used_every()
        stale = [item.known.pk for item in batch if item.known and now - item.known.used_at > every]
        sealed = [item for item in batch if item.known and item.known.md5s is None and item.md5s is not None]
        if not stale and not sealed:
            return
        with transaction.atomic():
            # Locked in the order in which the collector locks them.
            held = Chunk.objects.filter(pk__in=stale).order_by("pk").select_for_update()
            Chunk.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(used_at=now)
            for item in sealed:
                if item.known:
                    Chunk.objects.filter(pk=item.known.pk, md5s=None).update(md5s=item.md5s)

    def _add_piece(self, item: Pending) -> None:
        node, data = item.node, item.node.stored()
        row = Chunk(
            scope_id=self._scope_id,
            sha256=node.digest,
            kind=node.kind,
            level=node.level,
            entry_count=item.draft.count,
            length=len(data),
            md5s=item.md5s,
        )
        self._pieces.append(_Piece(row, item.known, data))
        self._piece_bytes += len(data)

    def _place(self) -> None:
        pieces, self._pieces, self._piece_bytes = self._pieces, [], 0
        if not pieces:
            return
        self._placed += pieces
        if sum(len(piece.data) for piece in pieces) <= _INLINE_BYTES:
            for piece in pieces:
                piece.row.data = piece.data
            return
        places = storage.write_pieces([piece.data for piece in pieces])
        for piece, (stored, offset, _length) in zip(pieces, places, strict=True):
            piece.row.object, piece.row.offset = stored, offset
            # Once it lies in a file, nobody needs it in memory.
            piece.data = b""


def _heal(pk: int, row: Chunk) -> None:
    Chunk.objects.filter(pk=pk).update(
        object=row.object, offset=row.offset, data=row.data, length=row.length, damaged_at=None
    )

"""Reading blobs: what is known, whole and verified, or a range for the network."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import NamedTuple

from django.utils import timezone

from registry.errors import Damaged, RangeNotSatisfiable, TooLarge, Unavailable
from registry.models.blobs import Blob
from registry.models.teams import Entity
from registry.storage import backends
from registry.storage.durable import disk_errors
from registry.storage.limits import PACK_MAX, PIECE, WHOLE_MAX
from registry.storage.objects import HEAL, open_piece
from registry.storage.ranges import FileRange, Range


class Known(NamedTuple):
    """What the store can say of a blob it has."""

    md5: bytes
    size: int


class Content(NamedTuple):
    """What a blob is, to who knows its MD5 only."""

    sha256: bytes
    size: int


def known(scope: Entity, sha256s: Collection[bytes]) -> dict[bytes, Known]:
    """Return which of the digests the scope has, undamaged."""
    facts = Blob.objects.all().facts(scope, sha256s)
    return {fact.sha256: Known(fact.md5, fact.size) for fact in facts if not fact.damaged}


def known_md5s(scope: Entity, md5s: Collection[bytes]) -> dict[bytes, list[Content]]:
    """Return the undamaged contents that the scope has under each MD5; more than one is a collision."""
    found: dict[bytes, list[Content]] = {}
    wanted = sorted(md5s)
    for first in range(0, len(wanted), 900):
        some = Blob.objects.sound().filter(scope=scope, md5__in=wanted[first : first + 900])
        for sha256, md5, size in some.values_list("sha256", "md5", "size"):
            found.setdefault(bytes(md5), []).append(Content(bytes(sha256), size))
    return found


def read_blob(blob: Blob) -> bytes:
    """Return a blob's bytes, verified. Meant for small ones: use `open_blob` for what may be large."""
    if blob.size > PACK_MAX:
        raise TooLarge(
            f"{blob.size} bytes are too many to read at once; read them as a stream.", limit=PACK_MAX
        )
    with disk_errors(), _open(blob, 0, blob.size) as opened:
        data = opened.read()
    if hashlib.sha256(data).digest() != blob.sha256:
        raise _wrong(blob)
    return data


def open_blob(blob: Blob, start: int = 0, length: int | None = None, *, by_kernel: bool = True) -> Range:
    """Open a blob, or a range of it, for reading.

    Small blobs are verified before the first byte leaves, also for a range. A large one that is
    read whole is verified as it is read, and its last piece is withheld when it is wrong. Where the
    object is a local file the result has `fileno()`; a server that sends by it sends unverified, which suits
    readers who verify for themselves. With `by_kernel=False` a whole blob has none, and is verified on its way.
    """
    if not 0 <= start <= blob.size:
        raise RangeNotSatisfiable(f"The file has {blob.size} bytes; ask for a range within.", size=blob.size)
    length = blob.size - start if length is None else min(length, blob.size - start)
    if blob.size <= WHOLE_MAX:
        return MemoryRange(read_blob(blob)[start : start + length])
    opened = _open(blob, start, length)
    if length == blob.size:
        return _verifying(blob, opened) if by_kernel else VerifyingRange(blob, opened)
    return opened


def address_of(blob: Blob, *, disposition: str, content_type: str) -> str | None:
    """Return an address of the object store that gives the bytes of a large blob to whoever has it, for a while.

    None where the storage has no such addresses, and for what shares its object with others. Whoever reads there
    compares the bytes with the digest himself.
    """
    if blob.size <= WHOLE_MAX or blob.offset or blob.object.size != blob.size:
        return None
    return backends.current().presign_get(
        blob.object.name, disposition=disposition, content_type=content_type
    )


def verify_blob(blob: Blob) -> bool:
    """Read a whole blob and say whether it is what its digest says; mark it when it isn't."""
    try:
        digest = _digest(blob)
    except Damaged:
        return False
    if digest != blob.sha256:
        mark_damaged(blob)
        return False
    return True


def _digest(blob: Blob) -> bytes:
    hashed = hashlib.sha256()
    with disk_errors(), _open(blob, 0, blob.size) as opened:
        while piece := opened.read(PIECE):
            hashed.update(piece)
    return hashed.digest()


def _wrong(blob: Blob) -> Damaged | Unavailable:
    """Return the error of bytes that are not what they should be: what came over a wire is looked at again first."""
    if backends.current().local_path(blob.object.name) is None and _digest(blob) == blob.sha256:
        return Unavailable("Bytes were damaged on their way from the object store. Ask for them again.")
    return mark_damaged(blob)


def mark_damaged(blob: Blob) -> Damaged:
    """Record that a blob's bytes are wrong, so that it counts as missing; return the error to raise."""
    # Only where it still lies: somebody may have healed it since this row was read.
    same = Blob.objects.filter(pk=blob.pk, object_id=blob.object_id, offset=blob.offset, damaged_at=None)
    same.update(damaged_at=timezone.now())
    return Damaged(
        f"The stored bytes of {blob.sha256.hex()} are damaged and are not served. {HEAL}",
        sha256=blob.sha256.hex(),
    )


def _open(blob: Blob, start: int, length: int) -> Range:
    try:
        return open_piece(blob.object.name, blob.offset + start, length)
    except Damaged as error:
        if (moved := _moved(blob)) is not None:
            return _open(moved, start, length)
        raise mark_damaged(blob) from error


def _moved(blob: Blob) -> Blob | None:
    """Return the blob at the place that compaction gave it since it was looked up, if it did."""
    now = Blob.objects.select_related("object").filter(pk=blob.pk).first()
    if now is None or (now.object_id, now.offset) == (blob.object_id, blob.offset):
        return None
    return now


class MemoryRange(Range):
    """Bytes that were read and verified already."""

    def __init__(self, data: bytes) -> None:
        super().__init__(len(data))
        self._data = data

    def _read(self, size: int) -> bytes:
        first = self.length - self.left
        return self._data[first : first + size]

    def close(self) -> None:
        self._data = b""


class VerifyingRange(Range):
    """A whole blob that checks its digest while it is read, before it gives the last piece."""

    def __init__(self, blob: Blob, opened: Range) -> None:
        super().__init__(opened.length)
        self._blob = blob
        self._opened = opened
        self._hash = hashlib.sha256()

    def _read(self, size: int) -> bytes:
        data = self._opened.read(size)
        self._hash.update(data)
        short = len(data) < size
        last = len(data) == self.left
        if short or (last and self._hash.digest() != self._blob.sha256):
            raise _wrong(self._blob)
        return data

    def close(self) -> None:
        self._opened.close()


class VerifyingFileRange(VerifyingRange):
    """The same over a local file, for servers that know sendfile."""

    _opened: FileRange

    def fileno(self) -> int:
        return self._opened.fileno()


def _verifying(blob: Blob, opened: Range) -> VerifyingRange:
    return VerifyingFileRange(blob, opened) if isinstance(opened, FileRange) else VerifyingRange(blob, opened)

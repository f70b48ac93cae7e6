"""A blob that comes by itself, in one body, from a client that knows its MD5 and not its SHA-256."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.utils import timezone

from registry.errors import DigestMismatch
from registry.models.blobs import StoredObject
from registry.models.teams import Entity
from registry.storage.backends.base import Readable
from registry.storage.blobs import known
from registry.storage.durable import incoming_file
from registry.storage.hashing import Digests, TwinHash
from registry.storage.limits import PIECE
from registry.storage.objects import new_name, publish, recorded
from registry.storage.rows import NewBlob, insert_blobs, renew


class Received(NamedTuple):
    """What came, and whether it was new."""

    sha256: bytes
    size: int
    is_new: bool


def receive_single(
    scope: Entity, stream: Readable, md5: bytes, *, judge: Callable[[int], None] | None = None
) -> Received:
    """Store a body for a scope, durably; refuse one that has another MD5 than was declared.

    `judge` is told its size in the transaction that writes its rows, where it is new, and may refuse it.
    """
    name = new_name("large")
    with incoming_file() as file:
        twin = TwinHash()
        try:
            while piece := stream.read(PIECE):
                file.write(piece)
                twin.update(piece)
        finally:
            digests: Digests = twin.finish().digests()
        if digests.md5 != md5:
            raise DigestMismatch(
                f"The bytes that arrived have the MD5 {digests.md5.hex()}, not {md5.hex()}. They were discarded: "
                f"read the file again and send it anew.",
                md5=md5.hex(),
            )
        if known(scope, {digests.sha256}):
            renew(scope, {digests.sha256})
            return Received(digests.sha256, file.size, is_new=False)
        publish(file, name)
    with recorded(name) as outcome:
        if judge is not None:
            judge(file.size)
        now = timezone.now()
        stored = StoredObject.objects.create(name=name, size=file.size, created_at=now)
        if not insert_blobs(scope, stored, [NewBlob(*digests, file.size, 0)], now):
            # Somebody else brought the same bytes in the meantime.
            outcome.drop(stored)
    if not outcome.wanted:
        renew(scope, {digests.sha256})
    return Received(digests.sha256, file.size, is_new=outcome.wanted)

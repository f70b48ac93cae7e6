"""Hashing a file while it is sent: every byte is read once, and hashed beside the sending of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from strongroom import hashing
from strongroom.store import Item

BLOCK = 1 << 20


class RunningHash:
    """The SHA-256 of the beginning of a file, as far as it was seen; bytes seen again are not hashed again."""

    def __init__(self) -> None:
        self.position = 0
        self._hash = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def feed(self, start: int, block: memoryview) -> None:
        """Hash a block in the background; the one before is done when this returns."""
        self.settle()
        fresh = block[max(0, self.position - start) :]
        if fresh:
            self.position = start + len(block)
            self._pending = self._pool.submit(self._hash.update, fresh)

    def settle(self) -> None:
        """Wait until what was fed is hashed."""
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def catch_up(self, file: BinaryIO, until: int) -> None:
        """Hash what the server has already, by reading it here."""
        file.seek(self.position)
        while self.position < until and (block := file.read(min(BLOCK, until - self.position))):
            self.feed(self.position, memoryview(block))
        self.settle()

    def digest(self) -> bytes:
        """Return the digest of all that was fed, and end the thread."""
        self.settle()
        self._pool.shutdown()
        return self._hash.digest()


def window(
    item: Item,
    file: BinaryIO,
    start: int,
    length: int,
    running: RunningHash | None,
    watch: Callable[[int], None],
) -> Iterator[memoryview]:
    """Iterate over a stretch of a file in blocks to send, hashing beside it when a hash is running."""
    file.seek(start)
    # Two buffers in turn: one may still be hashed while the other is filled.
    buffers, turn, at = (memoryview(bytearray(BLOCK)), memoryview(bytearray(BLOCK))), 0, start
    end = start + length
    while at < end:
        buffer = buffers[turn][: min(BLOCK, end - at)]
        count = file.readinto(buffer)  # type: ignore[attr-defined]  # raw files and BytesIO both have it
        if not count:
            raise hashing.changed(item)
        block = buffer[:count]
        if running is not None:
            running.feed(at, block)
        yield block
        at, turn = at + count, 1 - turn
        watch(count)

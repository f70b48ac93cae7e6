"""Bytes of a reference, read piece by piece, whatever a store hands them out as."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from strongroom.core.references.failures import told

BLOCK = 1 << 20


class Pieces:
    """A stream over an iterator of pieces."""

    def __init__(
        self, pieces: Iterable[bytes], size: int | None, md5: str | None = None, *, skip: int = 0
    ) -> None:
        self._pieces, self.size, self.md5 = iter(pieces), size, md5
        self._skip = skip
        self._held = memoryview(b"")

    def read(self, amount: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        while self._skip or not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = memoryview(piece)[self._skip :]
            self._skip = max(0, self._skip - len(piece))
        found, self._held = self._held[:amount], self._held[amount:]
        return bytes(found)


class OfStore:
    """A stream over what a library reads; its errors become ours, and nobody else's do."""

    def __init__(
        self, read: Callable[[int], Any], uri: str, store: str, size: int | None, md5: str | None = None
    ) -> None:
        self._read, self._uri, self._store = read, uri, store
        self.size, self.md5 = size, md5

    def read(self, amount: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        with told(self._uri, self._store):
            return bytes(self._read(amount))

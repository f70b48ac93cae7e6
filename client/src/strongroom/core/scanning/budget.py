"""How much a scan may cost: bytes, opcodes, time, depth; what passes it is told as not examined."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


class TooMuch(Exception):
    """The scan of this file has cost what it may; the message says what of."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the scan of one file may cost."""

    seconds: float = 600.0
    # Read from decompressors: a bomb ends here.
    unpacked: int = 16 * 1024**3
    opcodes: int = 500_000_000
    # Archives within archives.
    depth: int = 5
    # Entries of one archive, and bytes of the list of them.
    entries: int = 100_000
    directory: int = 64 * 1024**2
    # An archive within a compressed one is put aside to be read, up to this.
    aside: int = 1024**3


class Budget:
    """What is left of the limits of one file. `beat` is called now and then, and may raise to stop the scan."""

    def __init__(self, limits: Limits, beat: Callable[[], None] | None = None) -> None:
        self.limits = limits
        self._until = time.monotonic() + limits.seconds
        self._unpacked, self._opcodes = limits.unpacked, limits.opcodes
        self._beat = beat

    def check(self) -> None:
        """Raise when time is up."""
        if self._beat is not None:
            self._beat()
        if time.monotonic() >= self._until:
            raise TooMuch(f"it took longer than {self.limits.seconds:g} seconds")

    def opcodes(self, count: int) -> None:
        """Count opcodes that were read."""
        self._opcodes -= count
        if self._opcodes < 0:
            raise TooMuch(f"it has more than {self.limits.opcodes:,} opcodes")
        self.check()

    def unpacking(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass on what a decompressor gives, as long as it is not too much."""
        for piece in pieces:
            self._unpacked -= len(piece)
            if self._unpacked < 0:
                raise TooMuch(f"it unpacks to more than {self.limits.unpacked:,} bytes")
            self.check()
            yield piece

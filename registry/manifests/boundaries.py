"""Where a list is cut into nodes: the content decides, so that equal lists share equal nodes.

A cut depends on the key alone, never on what lies under it: an entry whose bytes change keeps its
boundaries. The caps bound what a list that was made up to have no boundaries can cost, the minima
what one made up to have nothing else can; both are counted from the last cut, so the same set of
entries still gives the same nodes, whatever its history.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(slots=True, frozen=True)
class Rule:
    """How long nodes of one kind become: `mean` by content, between the minimum and the caps."""

    mean: int
    fewest: int
    most: int
    most_bytes: int = 1024 * 1024

    @property
    def threshold(self) -> bytes:
        return ((1 << 32) // self.mean).to_bytes(4, "big")


LEAF = Rule(mean=1024, fewest=16, most=4096)
# Two children at least, else a list made up for it could grow levels without end.
INDEX = Rule(mean=128, fewest=2, most=512, most_bytes=4 * 1024 * 1024)


def rule(level: int) -> Rule:
    return LEAF if level == 0 else INDEX


class Cutter:
    """Says before and after each item whether the node ends there."""

    __slots__ = ("_bytes", "_count", "_fewest", "_most", "_most_bytes", "_salt", "_threshold")

    def __init__(self, level: int) -> None:
        cut = rule(level)
        self._fewest, self._most, self._most_bytes = cut.fewest, cut.most, cut.most_bytes
        self._threshold = cut.threshold
        self._salt = bytes([level])
        self._count = self._bytes = 0

    def overflows(self, weight: int) -> bool:
        """Would an item of this many bytes burst the node? Then the node ends before it."""
        return self._count > 0 and self._bytes + weight > self._most_bytes

    def ends_after(self, key: bytes, weight: int) -> bool:
        self._count += 1
        self._bytes += weight
        if self._count < self._fewest:
            return False
        # Four bytes compare as the number they spell, which saves making it.
        return self._count >= self._most or (
            blake2b(key, digest_size=4, salt=self._salt).digest() < self._threshold
        )

    def reset(self) -> None:
        self._count = self._bytes = 0

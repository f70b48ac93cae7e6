"""What all nodes of a tree have in common: how one is pointed at, and the index nodes above the leaves."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from registry.manifests.framing import (
    BrokenNode,
    Encoded,
    Frame,
    pack_numbers,
    pack_text,
    unpack_numbers,
    unpack_text,
)

DIGEST = 32
_FEW = 64


@dataclass(slots=True, frozen=True)
class Ref:
    """A child as its parent knows it: enough to skip it, to seek past it, and to say what was lost with it.

    `total` adds up, over the entries below, what the kind of tree adds up: bytes in the tree of
    entries, direct files before a folder in the tree of folders.
    """

    digest: bytes
    level: int
    count: int
    total: int
    first: str
    last: str


class Draft(Protocol):
    """A node that is still being filled."""

    count: int
    total: int
    first: str
    last: str

    def append(self, item: Any) -> None: ...

    def encode(self, level: int) -> Encoded: ...


class IndexDraft:
    """Children of one node to be, in order."""

    __slots__ = ("_kind", "count", "first", "last", "refs", "total")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.refs: list[Ref] = []
        self.count = self.total = 0
        self.first = self.last = ""

    def append(self, item: Ref) -> None:
        if not self.refs:
            self.first = item.first
        self.refs.append(item)
        self.last = item.last
        self.count += item.count
        self.total += item.total

    def encode(self, level: int) -> Encoded:
        refs = self.refs
        columns = [
            pack_text([ref.last for ref in refs]),
            pack_text([ref.first for ref in refs]),
            pack_numbers([ref.count for ref in refs]),
            pack_numbers([ref.total for ref in refs]),
            b"".join([ref.digest for ref in refs]),
        ]
        return Encoded(self._kind, level, len(refs), columns)


class Index:
    """A node whose children are nodes one level below."""

    __slots__ = ("lasts", "refs")

    def __init__(self, frame: Frame) -> None:
        if len(frame.columns) != 5 or frame.level < 1:
            raise BrokenNode("it is not an index node")
        lasts, firsts, counts, totals, digests = frame.columns
        self.lasts = unpack_text(lasts, frame.count)
        rows = zip(
            slices(digests, DIGEST, frame.count),
            unpack_numbers(counts, frame.count),
            unpack_numbers(totals, frame.count),
            unpack_text(firsts, frame.count),
            self.lasts,
            strict=True,
        )
        level = frame.level - 1
        self.refs: Sequence[Ref] = [
            Ref(digest, level, count, total, first, last) for digest, count, total, first, last in rows
        ]

    def from_key(self, key: str) -> Sequence[Ref]:
        """Return the children that can hold `key` or something after it."""
        return self.refs[bisect_left(self.lasts, key) :]


def slices(column: memoryview | bytes, width: int, count: int) -> Sequence[bytes]:
    if len(column) != width * count:
        raise BrokenNode("a column has another length than the node")
    if count <= _FEW:
        return _parts(width, count).unpack(column)
    flat = bytes(column)
    return [flat[at : at + width] for at in range(0, len(flat), width)]


@lru_cache(maxsize=2 * _FEW)
def _parts(width: int, count: int) -> struct.Struct:
    """Take a short column apart in one call: very many small nodes are read one after the other."""
    return struct.Struct(f"{width}s" * count)

"""The bytes of a node: columns in a frame, named by SHA-256, compressed where that helps.

The *raw* form is what the digest is taken of, so that no version of zlib can change an identity.
The *stored* form is the raw one with all columns but the last compressed: the last column of a leaf
holds digests, which don't compress. Columns, not records, because `str.split` and `array.frombytes`
decode a thousand values in one call.
"""

from __future__ import annotations

import hashlib
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

ENTRIES, FOLDERS = "e", "f"

# Neither a path nor a name may hold it, so that a joined column splits into what it was made of.
SEPARATOR = "\n"

# A leaf is cut at 1 MiB; an index node holds two keys of 4 KiB for each of at most 512 children.
MAX_RAW = 8 * 1024 * 1024

_HEAD = struct.Struct("<4sccBxI")  # magic, kind, level, number of columns, count
_STORED = struct.Struct("<BII")  # version, length of the compressed part, its length when inflated
_MAGIC = b"SRM1"
_STORED_VERSION = 1
_COMPRESSION = 3  # level 6 takes three times as long to save two bytes in a hundred


class BrokenNode(Exception):
    """The bytes are not the node that was asked for; the message says how it shows."""


@dataclass(slots=True)
class Frame:
    """A node taken apart, its columns still bytes. Not frozen: very many are made, and that would double the time."""

    digest: bytes
    kind: str
    level: int
    count: int
    columns: list[memoryview]


class Encoded:
    """A node on its way to the store; compressed only when somebody asks, as a known one never is."""

    def __init__(self, kind: str, level: int, count: int, columns: Sequence[bytes]) -> None:
        self.kind, self.level, self.count = kind, level, count
        head = _HEAD.pack(_MAGIC, kind.encode(), bytes([level]), len(columns), count)
        lengths = struct.pack(f"<{len(columns)}I", *map(len, columns))
        self._body = b"".join([head, lengths, *columns[:-1]])
        self._tail = columns[-1]
        self.raw_length = len(self._body) + len(self._tail)

    @cached_property
    def digest(self) -> bytes:
        hasher = hashlib.sha256(self._body)
        hasher.update(self._tail)
        return hasher.digest()

    def stored(self) -> bytes:
        packed = zlib.compress(self._body, _COMPRESSION)
        return b"".join([_STORED.pack(_STORED_VERSION, len(packed), len(self._body)), packed, self._tail])


def open_frame(stored: bytes, digest: bytes) -> Frame:
    """Inflate, verify against the digest, and take apart; raise BrokenNode when it is something else."""
    raw = open_raw(stored, digest)
    kind, level, count, at, lengths = read_head(raw)
    view, parts = memoryview(raw), []
    for length in lengths:
        parts.append(view[at : at + length])
        at += length
    return Frame(digest, kind, level, count, parts)


def open_raw(stored: bytes, digest: bytes) -> bytes:
    """Inflate, and verify against the digest."""
    raw = _inflate(stored)
    if hashlib.sha256(raw).digest() != digest:
        raise BrokenNode("its bytes do not match its digest")
    return raw


def read_head(raw: bytes) -> tuple[str, int, int, int, tuple[int, ...]]:
    """Return the kind, the level, the count, where the columns begin, and how long each is."""
    magic, kind, level, columns, count = _HEAD.unpack_from(raw)
    if magic != _MAGIC:
        raise BrokenNode("it is not a manifest node")
    lengths = _lengths(columns).unpack_from(raw, _HEAD.size)
    at = _HEAD.size + 4 * columns
    if at + sum(lengths) != len(raw):
        raise BrokenNode("its columns do not fill it")
    return kind.decode(), level[0], count, at, lengths


@cache
def _lengths(columns: int) -> struct.Struct:
    return struct.Struct(f"<{columns}I")


def _inflate(stored: bytes) -> bytes:
    if len(stored) < _STORED.size:
        raise BrokenNode("it is cut short")
    version, packed, length = _STORED.unpack_from(stored)
    if version != _STORED_VERSION or length > MAX_RAW or len(stored) > 2 * MAX_RAW:
        raise BrokenNode("it has no known form")
    end = _STORED.size + packed
    inflater = zlib.decompressobj()
    try:
        # The bound is ours, not the stream's: bytes that pack a thousand to one must not fill memory.
        body = inflater.decompress(stored[_STORED.size : end], length + 1)
    except zlib.error as error:
        raise BrokenNode("it cannot be decompressed") from error
    if len(body) != length or not inflater.eof:
        raise BrokenNode("it is cut short")
    return body + stored[end:]


def pack_text(values: Sequence[str]) -> bytes:
    return SEPARATOR.join(values).encode()


def unpack_text(column: memoryview, count: int) -> list[str]:
    values = str(column, "utf-8").split(SEPARATOR) if count else []
    if len(values) != count:
        raise BrokenNode("a column has another length than the node")
    return values


def pack_numbers(values: Sequence[int], typecode: str = "Q") -> bytes:
    return _little_endian(array(typecode, values)).tobytes()


def unpack_numbers(column: memoryview, count: int, typecode: str = "Q") -> array[int]:
    values = array(typecode)
    values.frombytes(column)
    if len(values) != count:
        raise BrokenNode("a column has another length than the node")
    return _little_endian(values)


def read_numbers(column: memoryview, count: int) -> Iterable[int]:
    """Give the numbers without a copy of the column, where the machine writes them as the column does."""
    if len(column) == 8 * count and sys.byteorder == "little":
        return column.cast("Q")
    return unpack_numbers(column, count)


def _little_endian(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values.byteswap()
    return values

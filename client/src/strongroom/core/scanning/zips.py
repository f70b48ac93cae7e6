"""Zip archives, read as loaders of models do who care for little: by the list at the end, whatever headers claim.

A wrong checksum, a flag that says "encrypted" or a size that isn't so keeps Python's reader from a file that PyTorch
opens. Here none of them does.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from strongroom.core.scanning.budget import Budget, TooMuch
from strongroom.core.scanning.sources import Part, Source

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_TAIL = 65_535 + 22
_LARGE = 0xFFFFFFFF
_MOST_ENDS = 8
STORED, DEFLATED, BZIP2, ENCRYPTED = 0, 8, 12, 1


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file of an archive: where its bytes begin, and how they may be packed by what either header says."""

    name: str
    start: int
    # As the list and the file's own header say them; where these differ, loaders differ, too.
    methods: tuple[int, ...]
    is_encrypted: bool
    size: int

    def packed(self, source: Source) -> Source:
        """Return the bytes from where the file begins, as far as any header says that it goes."""
        return Part(source, self.start, self.size)

    def open_ended(self, source: Source) -> Source:
        """Return all bytes from where the file begins: what was deflated says itself where it ends."""
        return Part(source, self.start, source.size)


def is_zip(source: Source) -> bool:
    """Say whether there is the end of a list of files; what stands before the archive doesn't matter."""
    return source.read_at(0, 4) == _LOCAL or any(True for _ in _ends(source))


def entries(source: Source, budget: Budget) -> Iterator[ZipEntry | str]:
    """Give each file of an archive, of every list that its end has; a text says what can't be read."""
    count, seen = 0, set()
    for at in _ends(source):
        for found in _listed(source, at, budget):
            if isinstance(found, ZipEntry):
                key = (found.start, found.name, found.methods)
                if key in seen:
                    continue
                seen.add(key)
                count += 1
                if count > budget.limits.entries:
                    raise TooMuch(f"it has more than {budget.limits.entries:,} files")
            yield found
    if not count and source.read_at(0, 4) == _LOCAL:
        yield "it begins like a zip archive, and has no list of files that can be read"


def _ends(source: Source) -> Iterator[int]:
    first = max(0, source.size - _TAIL)
    tail = source.read_at(first, _TAIL)
    at = len(tail)
    for _ in range(_MOST_ENDS):
        at = tail.rfind(_END, 0, at)
        if at < 0:
            return
        yield first + at


def _listed(source: Source, end: int, budget: Budget) -> Iterator[ZipEntry | str]:
    where = _directory(source, end)
    if where is None:
        return
    start, size, before = where
    if size > budget.limits.directory:
        raise TooMuch(f"the list of its files has more than {budget.limits.directory:,} bytes")
    listed = source.read_at(start, size)
    at = 0
    while listed[at : at + 4] == _ENTRY and at + 46 <= len(listed):
        fields = struct.unpack_from("<4s4B4HL2L5H2L", listed, at)
        length = 46 + fields[12] + fields[13] + fields[14]
        yield _entry(source, listed[at : at + length], fields, before)
        at += length


def _directory(source: Source, end: int) -> tuple[int, int, int] | None:
    """Return where a list begins, how long it is, and how many bytes stand before the archive."""
    raw = source.read_at(end, 22)
    if len(raw) < 22:
        return None
    size, offset = struct.unpack_from("<2L", raw, 12)
    before = end - size - offset
    large = source.read_at(end - 20, 20) if end >= 20 else b""
    if large[:4] == _LOCATOR_64:
        told = struct.unpack_from("<Q", large, 8)[0]
        for at in {told, end - 20 - 56}:
            record = source.read_at(at, 56) if 0 <= at < source.size else b""
            if record[:4] == _END_64 and len(record) == 56:
                size, offset = struct.unpack_from("<2Q", record, 40)
                before = at - size - offset
    for shift in (max(before, 0), 0):
        if source.read_at(offset + shift, 4) == _ENTRY:
            # What the end says of the length of the list need not be so: it goes on as long as there are entries.
            return offset + shift, max(size, end - offset - shift), shift
    return None


def _entry(source: Source, raw: bytes, fields: tuple[int, ...], before: int) -> ZipEntry | str:
    flags, method, packed, size, offset = fields[5], fields[6], fields[10], fields[11], fields[18]
    name = raw[46 : 46 + fields[12]].decode("utf-8" if flags & 0x800 else "cp437", "replace")
    packed, size, offset = _large(raw[46 + fields[12] : 46 + fields[12] + fields[13]], packed, size, offset)
    local = source.read_at(offset + before, 30)
    if len(local) < 30 or local[:4] != _LOCAL:
        return f"the list names {name[:80]!r} at a place where no file begins"
    own = struct.unpack("<4s2B4HL2L2H", local)
    lengths = [each for each in (packed, size, own[8], own[9]) if each != _LARGE]
    return ZipEntry(
        name,
        offset + before + 30 + own[10] + own[11],
        tuple(dict.fromkeys((method, own[4]))),
        bool((flags | own[3]) & ENCRYPTED),
        max(lengths, default=source.size),
    )


def _large(extra: bytes, packed: int, size: int, offset: int) -> tuple[int, int, int]:
    """Read the sizes that are too large for their fields."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        values = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind != 1:
            continue
        numbers = iter(struct.unpack(f"<{len(values) // 8}Q", values[: len(values) // 8 * 8]))
        size = next(numbers, size) if size == _LARGE else size
        packed = next(numbers, packed) if packed == _LARGE else packed
        offset = next(numbers, offset) if offset == _LARGE else offset
    return packed, size, offset

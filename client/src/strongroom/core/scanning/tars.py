"""Tar archives, read forward: each file's name and its bytes."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.core.scanning.budget import Budget, TooMuch
from strongroom.core.scanning.sources import Stream

BLOCK = 512
_LONG = 1024 * 1024
_FILES = b"\0 07S"


class TarFile:
    """One file of an archive; what its reader leaves is passed over."""

    def __init__(self, name: str, stream: Stream, size: int) -> None:
        self.name, self._stream, self._left = name, stream, size

    def pieces(self) -> Iterator[bytes]:
        """Give its bytes."""
        while self._left > 0:
            piece = self._stream.read(min(self._left, 64 * 1024))
            self._left = self._left - len(piece) if piece else 0
            yield piece

    def leave(self) -> None:
        """Pass over what is left of it."""
        self._stream.skip(self._left)
        self._left = 0


def is_tar(head: bytes) -> bool:
    """Say whether a block is the header of a file: its checksum holds."""
    if len(head) < BLOCK or not any(head[:100]):
        return False
    told = _octal(head[148:156])
    if told is None:
        return False
    return told == sum(head) - sum(head[148:156]) + 8 * 32


def files(stream: Stream, budget: Budget) -> Iterator[TarFile | str]:
    """Give each file of an archive, in the order in which they stand; a text says what can't be read."""
    count, long_name = 0, ""
    while True:
        head = stream.read(BLOCK)
        if len(head) < BLOCK or not any(head):
            # Readers that are told to pass over empty blocks, which may hide more.
            if len(head) == BLOCK and is_tar(stream.peek(BLOCK)):
                continue
            if len(head) == BLOCK and not any(stream.peek(BLOCK)) and stream.peek(1):
                continue
            return
        if not is_tar(head):
            yield "it breaks off"
            return
        size, kind = _octal(head[124:136]) or 0, head[156:157]
        padding = -size % BLOCK
        if kind in (b"L", b"x", b"X"):
            raw = stream.read(min(size, _LONG))
            stream.skip(size - len(raw) + padding)
            long_name = _name(raw) if kind == b"L" else _pax_name(raw) or long_name
            continue
        count += 1
        if count > budget.limits.entries:
            raise TooMuch(f"it has more than {budget.limits.entries:,} files")
        budget.check()
        prefix = _name(head[345:500]) if head[257:262] == b"ustar" and head[257:263] != b"ustar " else ""
        name = long_name or (f"{prefix}/" if prefix else "") + _name(head[:100])
        long_name = ""
        if kind in _FILES or kind == b"":
            found = TarFile(name, stream, size)
            yield found
            found.leave()
            stream.skip(padding)
        elif kind not in b"12345":
            stream.skip(size + padding)


def _octal(raw: bytes) -> int | None:
    if raw[:1] == b"\x80":
        return int.from_bytes(raw[1:], "big")
    try:
        return int(raw.strip(b" \0") or b"0", 8)
    except ValueError:
        return None


def _name(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def _pax_name(raw: bytes) -> str:
    for line in raw.split(b"\n"):
        key, _, value = line.partition(b" ")[2].partition(b"=")
        if key == b"path":
            return _name(value)
    return ""

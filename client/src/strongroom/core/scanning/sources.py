"""Bytes to scan: a source that is read anywhere, and a stream that is read forward, both only as far as is needed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

_PIECE = 64 * 1024


class Source(Protocol):
    """Bytes of a known number, read from any offset; fewer than asked for at their end."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes: ...


class BytesSource:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return a range."""
        return self._data[offset : offset + length]


class FileSource:
    """An opened file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return a range."""
        self._file.seek(offset)
        return self._file.read(length)


class Part:
    """A range of another source."""

    def __init__(self, source: Source, start: int, size: int) -> None:
        self._source, self._start = source, start
        self.size = max(0, min(size, source.size - start))

    def read_at(self, offset: int, length: int) -> bytes:
        """Return a range of the range."""
        length = min(length, self.size - offset)
        return self._source.read_at(self._start + offset, length) if length > 0 else b""


class Stream:
    """Bytes read forward. `more` gives the next ones, none at the end; `jump` passes over some, where that is possible.

    What was looked at with `peek` is read again.
    """

    def __init__(self, more: Callable[[], bytes], jump: Callable[[int], int] | None = None) -> None:
        self._more, self._jump = more, jump
        self._buffer, self._at = b"", 0
        self._before = 0

    def tell(self) -> int:
        """Return how many bytes were read or skipped."""
        return self._before + self._at

    def byte(self) -> int:
        """Return the next byte, -1 at the end."""
        if self._at >= len(self._buffer) and not self._fill():
            return -1
        found = self._buffer[self._at]
        self._at += 1
        return found

    def read(self, size: int) -> bytes:
        """Return the next bytes; fewer only at the end."""
        end = self._at + size
        if end <= len(self._buffer):
            found = self._buffer[self._at : end]
            self._at = end
            return found
        parts = [self._buffer[self._at :]]
        self._at, left = len(self._buffer), size - len(parts[0])
        while left > 0 and self._fill():
            parts.append(self._buffer[:left])
            self._at = len(parts[-1])
            left -= self._at
        return b"".join(parts)

    def peek(self, size: int) -> bytes:
        """Return the next bytes without passing them."""
        while len(self._buffer) - self._at < size:
            piece = self._more()
            if not piece:
                break
            self._before += self._at
            self._buffer, self._at = self._buffer[self._at :] + piece, 0
        return self._buffer[self._at : self._at + size]

    def skip(self, size: int) -> int:
        """Pass over bytes; returns how many there were."""
        there = min(size, len(self._buffer) - self._at)
        self._at += there
        left = size - there
        if left > 0 and self._jump is not None:
            jumped = self._jump(left)
            self._before += jumped
            return there + jumped
        while left > 0 and self._fill():
            step = min(left, len(self._buffer))
            self._at = step
            left -= step
        return size - left

    def line(self, most: int) -> bytes | None:
        """Return a line without its end, of a longer one the beginning; None when it has no end."""
        parts: list[bytes] = []
        length = 0
        while self._at < len(self._buffer) or self._fill():
            end = self._buffer.find(b"\n", self._at)
            stop = len(self._buffer) if end < 0 else end
            if length < most:
                parts.append(self._buffer[self._at : min(stop, self._at + most - length)])
                length += len(parts[-1])
            self._at = stop if end < 0 else end + 1
            if end >= 0:
                return b"".join(parts)
        return None

    def _fill(self) -> bool:
        self._before += len(self._buffer)
        self._buffer, self._at = self._more(), 0
        return bool(self._buffer)


def stream_of(source: Source, start: int = 0) -> Stream:
    """Read a source forward; what is skipped isn't read."""
    at = start

    def more() -> bytes:
        nonlocal at
        found = source.read_at(at, _PIECE)
        at += len(found)
        return found

    def jump(size: int) -> int:
        nonlocal at
        step = max(0, min(size, source.size - at))
        at += step
        return step

    return Stream(more, jump)


def stream_from(pieces: Iterator[bytes]) -> Stream:
    """Read pieces forward, such as those of a decompressor."""

    def more() -> bytes:
        for piece in pieces:
            if piece:
                return piece
        return b""

    return Stream(more)


def pieces_of(source: Source, start: int = 0) -> Iterator[bytes]:
    """Give a source's bytes from an offset on."""
    while piece := source.read_at(start, _PIECE):
        yield piece
        start += len(piece)


def spooled(stream: Stream, most: int, file: io.BufferedRandom) -> FileSource | None:
    """Write a stream into a file, so that it can be read anywhere; None when it is longer than may be."""
    left = most
    while piece := stream.read(min(_PIECE, left + 1)):
        left -= len(piece)
        if left < 0:
            return None
        file.write(piece)
    file.flush()
    return FileSource(file)

"""Ranges of stored objects, read like files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self


class Range:
    """So many bytes of an opened object, from where its handle stands."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.left = length

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; fewer, or none, at the end of the range or of the object."""
        size = self.left if size is None or size < 0 else min(size, self.left)
        if size == 0:
            return b""
        data = self._read(size)
        self.left -= len(data)
        return data

    def _read(self, size: int) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FileRange(Range):
    """A range of a file on the local disk.

    Servers send it without touching the bytes: `fileno()` stands at the first byte, which is where
    they begin (gunicorn asks the handle for its position), and the length comes from the response.
    """

    mode = "rb"
    # Before it is opened, and when it could not be, there is nothing to close.
    _handle: int | None = None

    def __init__(self, path: Path | str, offset: int = 0, length: int | None = None) -> None:
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        size = os.fstat(self._handle).st_size
        # What lies past the end of the file can't be read: a damaged object is shorter than its row says.
        there = max(0, size - offset)
        super().__init__(there if length is None else min(length, there))
        os.lseek(self._handle, offset, os.SEEK_SET)

    def fileno(self) -> int:
        if self._handle is None:
            raise ValueError("The file is closed.")
        return self._handle

    def _read(self, size: int) -> bytes:
        return _read_fully(lambda left: os.read(self.fileno(), left), size)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __del__(self) -> None:
        # Not `self.close()`: Django puts the whole response's `close` there, which tells of the end of a request.
        # Told from the collector, in the middle of another request, that one's transaction would be broken.
        FileRange.close(self)


class StreamRange(Range):
    """A range of any file-like object that can seek."""

    def __init__(self, file: BinaryIO, size: int, offset: int = 0, length: int | None = None) -> None:
        there = max(0, size - offset)
        super().__init__(there if length is None else min(length, there))
        self._file = file
        file.seek(offset)

    def _read(self, size: int) -> bytes:
        return _read_fully(self._file.read, size)

    def close(self) -> None:
        self._file.close()


def _read_fully(read: Callable[[int], bytes], size: int) -> bytes:
    """Read until there is enough: less than that must mean the end, or a reader would call it damage."""
    data = read(size)
    while data and len(data) < size:
        more = read(size - len(data))
        if not more:
            break
        data += more
    return data

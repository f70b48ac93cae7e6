"""Watch a file by inotify: whether anybody opened it, or read from it."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path

ACCESS, OPEN = 0x1, 0x20
_c = ctypes.CDLL(None, use_errno=True)


class Watched:
    """A file, and what was done to it since."""

    def __init__(self, path: Path) -> None:
        self._inotify = _c.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._inotify >= 0
        assert _c.inotify_add_watch(self._inotify, os.fsencode(path), ACCESS | OPEN) >= 0

    def happened(self) -> set[int]:
        """Return what happened since the last question."""
        found: set[int] = set()
        try:
            told = os.read(self._inotify, 1 << 20)
        except BlockingIOError:
            return found
        while told:
            _, mask, _, length = struct.unpack_from("iIII", told)
            found.add(mask & (ACCESS | OPEN))
            told = told[16 + length :]
        return found

    def close(self) -> None:
        os.close(self._inotify)

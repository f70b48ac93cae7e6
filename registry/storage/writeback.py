"""Early writeback: let the disk begin while bytes still arrive, so that the final fsync is short."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

EVERY = 16 * 1024 * 1024
_SYNC_FILE_RANGE_WRITE = 2


@functools.cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    """Return Linux's call, which Python does not offer; elsewhere there is none, and only speed is lost."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "sync_file_range", None)
    if function is None:
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    function.restype = ctypes.c_int
    return function


class Writeback:
    """Counts what was written to a file and starts writing it to the disk now and then.

    It promises nothing and its errors say nothing that the fsync at the end would not say again.
    """

    def __init__(self, handle: int, offset: int = 0) -> None:
        self._handle = handle
        self._started = offset
        self._written = offset

    def wrote(self, length: int) -> None:
        self._written += length
        if self._written - self._started >= EVERY:
            self.start()

    def start(self) -> None:
        call = _sync_file_range()
        if call is not None:
            call(self._handle, self._started, self._written - self._started, _SYNC_FILE_RANGE_WRITE)
        self._started = self._written

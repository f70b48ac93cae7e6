"""Early writeback: let the disk begin while bytes still arrive, so that the final fsync is short."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

from registry.storage.helper import Helper
from registry.storage.limits import MIB

EVERY = 32 * MIB
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
    """Starts writing a growing file to the disk, every so many bytes.

    In a thread of its own, for the call waits while the disk's queue is full. It promises nothing:
    what goes wrong is found by the fsync at the end, which is never left out.
    """

    def __init__(self, handle: int, offset: int = 0) -> None:
        self._handle = handle
        self._started = offset
        self._written = offset
        self._beside = Helper()

    def wrote(self, length: int) -> None:
        self._written += length
        if self._written - self._started >= EVERY:
            first, length = self._started, self._written - self._started
            self._started = self._written
            self._beside.do(lambda: self._start(first, length))

    def _start(self, first: int, length: int) -> None:
        call = _sync_file_range()
        if call is not None:
            call(self._handle, first, length, _SYNC_FILE_RANGE_WRITE)

    def finish(self) -> None:
        """Wait for the thread; the handle may be closed afterwards."""
        self._beside.finish()

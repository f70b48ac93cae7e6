"""Heartbeats: while a process has open runs, it says so, and the server sees when it no longer can."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

from strongroom.errors import StrongroomError

# The server takes five minutes of silence for a crash.
EVERY = 30.0
_lock = threading.Lock()
_thread: threading.Thread | None = None


def start(beats: Callable[[], list[Callable[[], None]]]) -> None:
    """Send the heartbeats that `beats` returns, every 30 seconds, until there are none; one thread does it for all.

    It never keeps a process from ending. A forked child has no such thread, and starts one with its first run.
    """
    global _thread
    with _lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_go_on, args=(beats,), name="strongroom-heartbeat", daemon=True)
            _thread.start()


def _forget() -> None:
    """Begin anew in a forked child: the lock may have been held, by a thread that the child has not."""
    global _lock, _thread
    _lock, _thread = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _go_on(beats: Callable[[], list[Callable[[], None]]]) -> None:
    global _thread
    pause = threading.Event()
    while True:
        pause.wait(EVERY)
        with _lock:
            due = beats()
            if not due:
                _thread = None  # under the lock, so that a run that begins now starts another
                return
        for beat in due:
            # A server that is away is told of by whoever needs it; the next beat may reach it again.
            with contextlib.suppress(StrongroomError):
                beat()

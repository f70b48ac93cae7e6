"""A thread that works beside a request, in order, and reports its errors to it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

# Pieces of 1 MiB wait here: enough to keep both threads busy, little enough for the memory.
WAITING = 8


class Helper:
    """Does what it is given one after the other; started by the first task, ended by `finish`."""

    def __init__(self) -> None:
        self._tasks: queue.Queue[Callable[[], object] | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def do(self, task: Callable[[], object]) -> None:
        """Queue a task; wait when too many are waiting already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            if self._error is None:
                try:
                    task()
                except Exception as error:  # noqa: BLE001  # handed to the thread that waits
                    self._error = error

    def finish(self) -> None:
        """Wait until all is done and raise what went wrong."""
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join()
            self._thread = None
        if self._error is not None:
            raise self._error

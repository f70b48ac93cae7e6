"""A few threads that work through a stream of jobs, and stop together at the first error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self


class BoundedPool:
    """Runs jobs in threads, never with more of them waiting than needed; the first error stops all."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers)
        self._most = workers + 1
        self._running: set[Future[Any]] = set()
        self._stopped = threading.Event()

    def submit(self, job: Callable[..., Any], *values: Any) -> None:
        """Start a job, as soon as there is room for it."""
        while len(self._running) >= self._most:
            self._reap()
        self._running.add(self._pool.submit(job, *values))

    def watched(self, watch: Callable[[int], None]) -> Callable[[int], None]:
        """Return a counter of progress that ends the job which calls it once another one failed."""

        def count(number: int) -> None:
            if self._stopped.is_set():
                raise CancelledError
            watch(number)

        return count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            while error is None and self._running:
                self._reap()
        except BaseException:
            self._stopped.set()
            raise
        finally:
            if error is not None:
                self._stopped.set()
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _reap(self) -> None:
        done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()

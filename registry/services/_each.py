"""Work on many rows by the clock: one that fails stops no other, and the run fails at its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec

from registry import jobs
from registry.errors import InternalError

P = ParamSpec("P")
log = logging.getLogger(__name__)


class Each:
    """Counts what was done and what failed; `what` ends the sentence that says so."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._done = self._failed = self._tried = 0
        self._first = ""

    def do(self, act: Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> None:
        """Do one row's work, or that of a few; it returns how many were done."""
        self._tried += 1
        try:
            self._done += act(*args, **kwargs)
        except tuple(jobs.STOPS):
            raise
        except Exception as error:
            self._failed += 1
            self._first = self._first or f"{type(error).__name__}: {error}"
            log.exception("A row was left out: %s", self._what)

    def finish(self) -> int:
        """Return how many were done; raise when one failed, so that the page of background work shows it."""
        if self._failed:
            raise InternalError(
                f"{self._failed} of {self._tried} {self._what}, and will be tried again; the others were. "
                f"The first failed with {self._first}",
                failed=self._failed,
                done=self._done,
            )
        return self._done

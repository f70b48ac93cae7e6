"""Whether work grows out of hand, told alike by fast, slow and busy machines."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

# What the yardstick below costs where the limits of the tests were set.
_YARD_SECONDS = 0.05
_TRIES = 5


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Say if `work` costs its thread at most so many seconds of a processor as fast as the yardstick's.

    The best of a few tries counts: what makes work look dearer than it is passes, growth does not.
    """
    return any(_cost(work) / _cost(_yardstick) * _YARD_SECONDS <= seconds for _ in range(_TRIES))


def _cost(work: Callable[[], object]) -> float:
    # What other tests left in memory would be searched for garbage again and again, at this work's expense.
    gc.collect()
    gc.freeze()
    started = time.thread_time()
    try:
        work()
        return time.thread_time() - started
    finally:
        gc.unfreeze()


def _yardstick() -> int:
    return sum(len(str(number)) for number in range(500_000))

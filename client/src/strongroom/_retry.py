"""How long to go on after a failure, and which failures are worth another try."""

from __future__ import annotations

import random
import time

from strongroom.errors import BadAnswer, Damaged, Offline, RateLimited, StorageFull, StrongroomError

FIRST_DELAY = 0.2
LONGEST_DELAY = 8.0
# A server that answered before is likely to be restarting; one that never did is likely not there at all.
LIMIT_AFTER_CONTACT = 60.0
LIMIT_BEFORE_CONTACT = 3.0
TRIES_AFTER_INTERNAL_ERROR = 3


def is_temporary(error: StrongroomError) -> bool:
    """Tell whether the same request may well succeed a moment later."""
    if isinstance(error, BadAnswer | Damaged | Offline | StorageFull):
        return False
    return isinstance(error, RateLimited) or error.status >= 500


class Patience:
    """Waits longer after each failure, and gives up when too long nothing went forward."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._tries = 0
        self._since: float | None = None

    def progress(self) -> None:
        """Forget past failures, because something arrived."""
        self._tries, self._since = 0, None

    def wait(self, error: StrongroomError) -> None:
        """Sleep before the next try, or raise the error when there should be none."""
        now = time.monotonic()
        since = self._since = now if self._since is None else self._since
        self._tries += 1
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2**self._tries) * random.uniform(0.5, 1)  # noqa: S311  # jitter
        asked = error.details.get("retry_after")
        if isinstance(asked, int | float) and not isinstance(asked, bool) and 0 < asked <= self.limit:
            delay = max(delay, float(asked))
        exhausted = error.status == 500 and self._tries >= TRIES_AFTER_INTERNAL_ERROR
        if exhausted or not is_temporary(error) or now + delay - since > self.limit:
            raise error
        time.sleep(delay)

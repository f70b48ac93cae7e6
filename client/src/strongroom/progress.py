"""What standard error shows of runs, versions and longer transfers; silent when nobody watches."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from types import TracebackType
from typing import Self

from strongroom.core.text import printable

SHOW_AFTER = 1.0
REDRAW_EVERY = 0.1
WIDTH = 28


def is_watched() -> bool:
    """Tell whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def announce(*words: str) -> None:
    """Tell who watches, in one line, what there is now and where to look at it."""
    # A terminal that went away is no reason to end a script.
    with contextlib.suppress(OSError):
        if is_watched():
            print(f"strongroom: {printable(', '.join(filter(None, words)))}", file=sys.stderr, flush=True)  # noqa: T201  # for a person


class Progress:
    """Counts bytes from several threads, and draws when a person is at the terminal."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._drawn = 0.0
        self._visible = is_watched()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            print(f"\r{self._line()}", file=sys.stderr, flush=True)  # noqa: T201  # this is the terminal's line

    def add(self, count: int) -> None:
        """Count bytes that arrived (or, below zero, bytes that have to be sent again)."""
        if not self._visible:
            self.done += count
            return
        with self._lock:
            self.done += count
            now = time.monotonic()
            if now - self._began < SHOW_AFTER or now - self._drawn < REDRAW_EVERY:
                return
            self._drawn = now
            print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)  # noqa: T201  # likewise

    def _line(self) -> str:
        share = min(1.0, self.done / self.total) if self.total else 1.0
        bar = ("█" * round(share * WIDTH)).ljust(WIDTH, "░")
        speed = self.done / max(0.001, time.monotonic() - self._began)
        amount = f"{human_size(self.done)} of {human_size(self.total)}, {human_size(speed)}/s"
        return f"{self.label} {bar} {share:4.0%} {amount}  "


def human_size(count: float) -> str:
    """Write a number of bytes as people say it."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"

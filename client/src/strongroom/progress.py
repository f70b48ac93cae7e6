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
            print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)  # noqa: T201  # this is the terminal's line

    def _line(self) -> str:
        share = min(1.0, self.done / self.total) if self.total else 1.0
        bar = ("█" * round(share * WIDTH)).ljust(WIDTH, "░")
        speed = self.done / max(0.001, time.monotonic() - self._began)
        amount = f"{human_size(self.done)} of {human_size(self.total)}, {human_size(speed)}/s"
        return f"{self.label} {bar} {share:4.0%} {amount}  "


class Counter:
    """Counts things of which nobody knows how many will come, and draws when a person is at the terminal."""

    def __init__(self, label: str, noun: str) -> None:
        self.label, self.noun, self.count, self.size = label, noun, 0, 0
        self._began, self._drawn, self._visible = time.monotonic(), 0.0, is_watched()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            print(f"\r{self._line()}", file=sys.stderr, flush=True)  # noqa: T201  # this is the terminal's line

    def add(self, size: int | None) -> None:
        """Count one thing, of so many bytes where they are known."""
        self.count, self.size = self.count + 1, self.size + (size or 0)
        if not self._visible:
            return
        now = time.monotonic()
        if now - self._began >= SHOW_AFTER and now - self._drawn >= REDRAW_EVERY:
            self._drawn = now
            print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)  # noqa: T201  # this is the terminal's line

    def _line(self) -> str:
        return f"{self.label} {self.count:,} {self.noun}, {human_size(self.size)}  "


class Status:
    """One line that says how things stand, written anew when a person is at the terminal."""

    def __init__(self) -> None:
        self._said, self._visible = "", is_watched()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._said:
            print(file=sys.stderr, flush=True)  # noqa: T201  # this is the terminal's line

    def tell(self, words: str) -> None:
        """Say how things stand by now."""
        if self._visible and words != self._said:
            print(f"\r{words.ljust(len(self._said))}", end="", file=sys.stderr, flush=True)  # noqa: T201  # this is the terminal's line
            self._said = words


def human_size(count: float) -> str:
    """Write a number of bytes as people say it."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"

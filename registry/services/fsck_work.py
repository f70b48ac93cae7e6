"""What the steps of a check share: the run with its place and counts, and how findings are written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from registry.actor import Actor
from registry.models import FsckFinding, FsckRun
from registry.services._common import now
from registry.storage import backends
from registry.storage.checking import Pace, Part, Stopped

if TYPE_CHECKING:
    from registry.services.fsck import Options

# What is done, of how much (0: unknown), and bytes read: told to whoever watches.
Report = Callable[[str, int, int, int], None]
_KEEP_EVERY = 2.0


@dataclass
class Work:
    """A run under way."""

    actor: Actor
    run: FsckRun
    options: Options
    part: Part
    pace: Pace
    report: Report
    deadline: float | None = None
    step: str = ""
    done: int = 0
    total: int = 0
    backend: Any = field(default_factory=backends.current)
    _kept_at: float = 0.0
    _bytes: int = 0

    def enter(self, step: str, after: int) -> None:
        """Begin a step, or go on with it."""
        self.step, self.done, self.total = step, 0, 0
        self.run.position = {"step": step, "after": after}
        self.keep()

    def note(self, after: int, done: int = 0, **counts: int) -> None:
        """Note that all is done up to an id; kept every two seconds, and when the run ends."""
        self.run.position["after"] = after
        self.done += done
        self.count(**counts)
        self.report(self.step, self.done, self.total, self.pace.bytes)
        if time.monotonic() - self._kept_at > _KEEP_EVERY:
            self.keep()
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise Stopped

    def count(self, **counts: int) -> None:
        for name, number in counts.items():
            if number:
                self.run.counts[name] = self.run.counts.get(name, 0) + number

    def keep(self) -> None:
        """Write the place down."""
        self._kept_at = time.monotonic()
        read, self._bytes = self.pace.bytes - self._bytes, self.pace.bytes
        self.count(bytes=read)
        self.run.seen_at = now()
        self.run.save()

    def found(self, findings: Sequence[FsckFinding]) -> None:
        """Write down what was found; the same thing is written once a run."""
        for one in findings:
            one.run = self.run
        FsckFinding.objects.bulk_create(findings, batch_size=200, ignore_conflicts=True)

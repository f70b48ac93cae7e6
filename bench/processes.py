"""What a tree of processes costs: its memory, its CPU seconds, and how it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from types import TracebackType

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int | str) -> list[str]:
    """Return the fields of /proc/PID/stat after the name: state, parent, … utime at 11."""
    with open(f"/proc/{pid}/stat") as file:
        text = file.read()
    return text[text.rindex(")") + 2 :].split()


def tree(roots: Iterable[int]) -> list[int]:
    """Return the processes of `roots` and all below them."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, ValueError):
            children.setdefault(int(_stat(name)[1]), []).append(int(name))
    found: list[int] = []
    todo = [pid for pid in roots if os.path.exists(f"/proc/{pid}")]
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.append(pid)
            todo += children.get(pid, [])
    return found


def memory(pids: Iterable[int]) -> tuple[float, float]:
    """Return the sums of RSS and of PSS in MiB; PSS counts shared pages once."""
    rss = pss = 0
    for pid in pids:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Rss:"):
                    rss += int(line.split()[1])
                elif line.startswith("Pss:"):
                    pss += int(line.split()[1])
    return rss / 1024, pss / 1024


def cpu(pids: Iterable[int]) -> float:
    """Return the CPU seconds that processes and their ended children have spent."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            ticks += sum(map(int, _stat(pid)[11:15]))
    return ticks / TICKS


class Sampler:
    """Peak memory of a process tree, its growth, and the CPU it spent, over a `with` block."""

    def __init__(self, roots: Iterable[int], every: float = 0.25) -> None:
        self.roots, self.every = list(roots), every
        self.peak_rss = self.peak_pss = self.grown = self.cpu = 0.0

    def __enter__(self) -> Sampler:
        self._stop = threading.Event()
        self._pids = tree(self.roots)
        self._start_pss = memory(self._pids)[1]
        self._start_cpu = cpu(self._pids)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while True:
            rss, pss = memory(self._pids)
            self.peak_rss, self.peak_pss = max(self.peak_rss, rss), max(self.peak_pss, pss)
            if self._stop.wait(self.every):
                return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.cpu = cpu(self._pids) - self._start_cpu
        self.grown = max(0.0, self.peak_pss - self._start_pss)


def stop_tree(process: subprocess.Popen[bytes] | None, grace: float = 20) -> None:
    """End a process that we started, and what it started, by number."""
    if process is None:
        return
    others = [pid for pid in tree([process.pid]) if pid != process.pid]
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _signal(others, signal.SIGTERM)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and any(os.path.exists(f"/proc/{pid}") for pid in others):
        time.sleep(0.05)
    _signal(others, signal.SIGKILL)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)

"""G3 at the web door: the processes of an installation are traced while clients log; each answer is judged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.faults.fsync_order import CALLS, calls_of_threads
from tests.faults.resume import make_file
from tests.faults.world import MIB, World, answer_of, temporary_folder
from tests.support.installation import Installation

_HANDLE = re.compile(r"\d+<([^>]*)>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ACCEPTED = re.compile(r"HTTP/1\.1 2\d\d ")
RENAMES = ("rename", "renameat", "renameat2", "link", "linkat")
# What a client asks to be kept. A GET acknowledges nothing, but its answer must not wait for others either.
SENDS = ("sendto", "sendmsg")
LARGE = 24 * MIB
CLIENTS, SEEDS = 3, 12


@dataclass
class Thread:
    """What one thread of the server did since its last answer."""

    names: list[str] = field(default_factory=list)
    written: set[str] = field(default_factory=set)
    rows: bool = False


@dataclass
class WebJudge:
    """Follows what a power cut would leave, and compares it with what each answer and each row promise.

    A row counts as told when its transaction is synced: rows must not name what may be gone.
    """

    data: str
    dirty: set[str] = field(default_factory=set)
    unsynced_names: set[str] = field(default_factory=set)
    threads: dict[str, Thread] = field(default_factory=dict)
    names: int = 0
    rows: int = 0
    answers: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return f"{self.data}/strongroom.sqlite3-wal"

    def see(self, thread: str, call: str, arguments: str) -> None:
        mine = self.threads.setdefault(thread, Thread())
        handles, quoted = _HANDLE.findall(arguments), _QUOTED.findall(arguments)
        if call in ("fsync", "fdatasync"):
            self._synced(mine, handles[0])
        elif call in RENAMES:
            self._named(mine, quoted[0], quoted[1])
        elif call in ("mkdir", "mkdirat"):
            self.unsynced_names.add(quoted[0])
        elif call in ("unlink", "unlinkat", "rmdir"):
            self._gone(handles, quoted[0])
        elif call in SENDS and quoted and _ACCEPTED.match(quoted[0]):
            self._answered(mine)
        elif handles and handles[-1].startswith(self.data):
            self._wrote(mine, handles[-1])

    def _wrote(self, mine: Thread, path: str) -> None:
        self.dirty.add(path)
        if path == self.log:
            mine.rows = True
        elif path.startswith((f"{self.data}/blobs/", f"{self.data}/incoming/uploads/")):
            mine.written.add(path)

    def _synced(self, mine: Thread, path: str) -> None:
        if path == self.log:
            self.rows += mine.rows
            self._insist(mine, "a row was written")
            # Whoever syncs the log syncs what all have written to it so far.
            for thread in self.threads.values():
                thread.rows = False
        self.dirty.discard(path)
        self.unsynced_names = {
            name for name in self.unsynced_names if str(PurePosixPath(name).parent) != path
        }

    def _named(self, mine: Thread, source: str, target: str) -> None:
        if not target.startswith(f"{self.data}/blobs/"):
            return
        self.names += 1
        if source in self.dirty:
            self.violations.append(f"{target} was named before {source} was synced")
        self.unsynced_names.add(target)
        mine.names.append(target)

    def _gone(self, handles: list[str], path: str) -> None:
        whole = path if path.startswith("/") or not handles else f"{handles[0]}/{path}"
        self.unsynced_names.discard(whole)
        self.dirty.discard(whole)
        for thread in self.threads.values():
            thread.written.discard(whole)
            with suppress(ValueError):
                thread.names.remove(whole)

    def _answered(self, mine: Thread) -> None:
        self.answers += 1
        self._insist(mine, "it was acknowledged")
        self.violations += [
            f"{path} was acknowledged before it was synced" for path in mine.written & self.dirty
        ]
        if mine.rows:
            self.violations.append("an answer was sent before its transaction was synced")
        mine.names, mine.written, mine.rows = [], set(), False

    def _insist(self, mine: Thread, what: str) -> None:
        """Insist that the names this thread gave, and the folders above them, are on the disk."""
        for name in mine.names:
            for at in (name, *map(str, PurePosixPath(name).parents)):
                if at in self.unsynced_names:
                    self.violations.append(f"{what} before the folder of {at} was synced")


# Which syncs are taken out of the trace, one kind after the other, to show that each would be missed.
LEFT_OUT = {
    "": "",
    "file": "/incoming/",
    "folder": "/blobs",
    "database": "/strongroom.sqlite3-wal",
}


def judge(lines: Iterable[str], data: str, left_out: str = "") -> WebJudge:
    """Judge the trace of a whole installation, made with `strace -f -y`."""
    found, without = WebJudge(data), f"<{data}{LEFT_OUT[left_out]}"
    for thread, call, arguments in calls_of_threads(lines):
        if not (left_out and call in ("fsync", "fdatasync") and without in arguments):
            found.see(thread, call, arguments)
    return found


def measure() -> dict[str, WebJudge]:
    """Trace an installation while clients log small, large and equal contents; judge it with and without syncs."""
    with temporary_folder() as folder:
        trace = folder / "trace"
        installation = Installation.in_new_folder()
        # As a grandchild, so that the traced process is the one that was started; with a filter in the kernel.
        installation.before = (
            "strace", "-D", "-f", "--seccomp-bpf", "-y", "-s", "300", "-e", f"trace={CALLS}", "-o", str(trace),
        )  # fmt: skip
        try:
            log_everything(World.of(installation.start(), folder))
        finally:
            installation.remove()
        found = {}
        for left_out in LEFT_OUT:
            with trace.open(errors="replace") as lines:
                found[left_out] = judge(lines, str(Path(installation.data).resolve()), left_out)
        return found


def log_everything(world: World) -> None:
    """Log from several processes at once: bundles, large uploads, and the same file twice."""
    make_file(world.folder / "large.bin", LARGE)
    try:
        never = world.folder / "never"
        clients = [
            world.client("log_seeds", f"set-{n % 2}", n // 2 * 100, SEEDS, never, home=f"c{n}")
            for n in range(CLIENTS)
        ]
        clients += [
            world.client("log_file", world.folder / "large.bin", "large", home=f"l{n}") for n in range(2)
        ]
        for client in clients:
            answer_of(client)
    finally:
        world.close()

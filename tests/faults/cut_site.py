"""An installation whose power is cut: on a disk of its own, with the journals of those who are at work on it."""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.image import Disk, bury, descendants, kill_trees
from tests.faults.journal import ACTS, Actor, Door, Journal
from tests.faults.world import MIB, PROJECT, start_script
from tests.support.installation import Installation
from tests.support.postgres import DURABLE, Cluster

DATABASES = ("SQLite", "PostgreSQL")
# SQLite without a sync of each commit: losses that must be noticed.
UNSAFE = "SQLite, unsafe"
_ENVIRONMENT = {"STRONGROOM_PROTECTION_SECONDS": "1"}
_SIZE = 768 * MIB
_CLIENTS = 4
_USER = "torturer"
# How long it still answers, or tries to, when the disk is gone.
_AFTER = 0.2
# How long it takes is told, and no matter of right or wrong.
_PATIENCE = 600


@dataclass
class Result:
    """What came of it."""

    cuts: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    rounds: Counter[str] = field(default_factory=Counter)
    heads: int = 0
    doubtful: int = 0
    late: int = 0
    late_lost: int = 0
    read: int = 0
    orphans: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    first_starts: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        acts = ", ".join(f"{self.acts[act]} {act.removeprefix('version.')}" for act in ACTS)
        collected = ", ".join(f"{self.rounds[name]} {words}" for name, words in _ROUNDS.items())
        refused = ", ".join(f"{count} {code}" for code, count in sorted(self.refused.items())) or "none"
        return (
            f"  {self.cuts} cuts   {self.acts.total()} acts were answered: {acts}   {self.doubtful} were under way   "
            f"({self.late} answered when the disk only played dead, {self.late_lost} of those not kept)\n"
            f"  refused: {refused}   collected: {collected}   {self.heads} heads of the log of events kept   "
            f"{self.read / 1e6:.0f} MB verified, {self.orphans} orphans\n"
            f"  up again after {_seconds(self.starts)} (a first start: {_seconds(self.first_starts)})   "
            f"{len(self.faults)} violations"
        )


_ROUNDS = {
    "rounds": "rounds told",
    "blobs": "contents",
    "compacted": "packs anew",
    "doomed": "objects doomed",
    "objects": "deleted",
}


def _seconds(taken: list[float]) -> str:
    return f"{statistics.median(taken):.1f} s, {max(taken):.1f} s at most" if taken else "no time"


class Site:
    """An installation on a disk of its own, and what is known of it."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database = folder, database
        self.disk = Disk(folder, _SIZE)
        self.disk.mount()
        self.cluster: Cluster | None = None
        environment = dict(_ENVIRONMENT)
        if database == "PostgreSQL":
            place = self.disk.root / "postgresql"
            place.mkdir()
            self.cluster = Cluster.start(place, DURABLE)
            environment["DATABASE_URL"] = self.cluster.url
        elif database == UNSAFE:
            environment["STRONGROOM_SQLITE_SYNCHRONOUS"] = "normal"
        (self.disk.root / "data").mkdir()
        # By a symbolic link, so that the log of what went wrong is not on the disk that is cut.
        (folder / "data").symlink_to(self.disk.root / "data")
        self.installation = Installation(folder / "data", environment, patience=_PATIENCE)
        self.journals = [Journal(f"set-{number}") for number in range(_CLIENTS)]
        self.key = ""
        self.style = b""
        self.heads: list[str] = []
        self.doomed: set[str] = set()
        self.gone: set[str] = set()
        self.collector: subprocess.Popen[str] | None = None
        self.told = 0

    def start(self) -> float:
        """Start it as after any power cut, without a hand's help; return the seconds until it was up."""
        began = time.monotonic()
        # A new one runs since it was made.
        if self.cluster is not None and self.key:
            try:
                self.cluster.begin()
            except RuntimeError as error:
                raise RuntimeError(f"{error}{(self.cluster.folder / 'log').read_text()[-2000:]}") from error
        try:
            self.installation.start()
        except AssertionError as error:
            queue = self.installation.data / "queue" / "redis.log"
            said = queue.read_text(errors="replace")[-1000:] if queue.exists() else ""
            raise RuntimeError(f"{str(error)[-1000:]}\nthe queue: {said}") from error
        return time.monotonic() - began

    def settle_in(self) -> None:
        """Make somebody who logs, and remember how the pages look."""
        self.key = self.installation.make_key(_USER)
        door = Door(self.installation.url, self.key)
        status, said = door.call("POST", f"/entities/{_USER}/projects", {"name": PROJECT})
        door.close()
        assert status in (201, 409), said
        self.style = self.look_at_pages()

    def look_at_pages(self) -> bytes:
        """Return the first style sheet of the sign-in page."""
        with urllib.request.urlopen(f"{self.installation.url}/sign-in", timeout=30) as answer:
            page = answer.read().decode()
        path = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
        with urllib.request.urlopen(f"{self.installation.url}{path}", timeout=30) as answer:
            return bytes(answer.read())

    def torture(self, seconds: float, seed: str) -> list[Actor]:
        """Let everybody at it for some time, then cut the power and kill what is left."""
        cutting = threading.Event()
        self.collector = self.collect()
        actors = [
            Actor(
                journal,
                f"/projects/{_USER}/{PROJECT}",
                Door(self.installation.url, self.key),
                f"{seed} {journal.name}",
                cutting,
            )
            for journal in self.journals
        ]
        for actor in actors:
            actor.start()
        time.sleep(seconds)
        assert self.installation.process is not None
        roots = [self.installation.process.pid, self.collector.pid]
        roots += [self.cluster.process()] if self.cluster is not None else []
        # What is answered from here on proves nothing: see the journal.
        cutting.set()
        self.told = (self.folder / "collector.log").stat().st_size
        self.disk.cut()
        time.sleep(_AFTER)
        self.kill(roots)
        for actor in actors:
            actor.join(timeout=60)
        self.disk.unmount()
        self.disk.mount()
        return actors

    def collect(self) -> subprocess.Popen[str]:
        """Start a collector, and return when it is at work."""
        with (self.folder / "collector.log").open("w+") as log:
            process = start_script(
                self.installation, "collect_forever.py", "journal", stdout=log, stderr=subprocess.STDOUT
            )
            until = time.monotonic() + _PATIENCE
            while "ready" not in (self.folder / "collector.log").read_text() and time.monotonic() < until:
                time.sleep(0.02)
        return process

    def kill(self, roots: list[int]) -> None:
        ended = [*descendants(roots), *roots]
        kill_trees(roots)
        for process in (self.installation.process, self.collector):
            if process is not None:
                process.wait()
        until = time.monotonic() + _PATIENCE
        while any(Path("/proc", str(number)).exists() for number in ended) and time.monotonic() < until:
            bury()
            time.sleep(0.02)

    def read_rounds(self, result: Result) -> None:
        """Take in what the collector told since the last cut."""
        lines = (self.folder / "collector.log").read_bytes()[: self.told].decode().splitlines()
        for line in lines:
            # The last line may be cut off, and the first one is no JSON.
            with suppress(ValueError):
                told = json.loads(line)
                self._take_in(told, result)
        result.faults += [
            f"the collector: {line}" for line in lines if "lost" in line or "AssertionError" in line
        ]

    def _take_in(self, told: dict[str, Any], result: Result) -> None:
        self.doomed |= set(told["now_doomed"])
        self.gone |= set(told["now_gone"])
        self.heads.append(told["head"])
        result.heads += 1
        result.rounds += Counter({name: told[name] for name in _ROUNDS if name in told})
        result.rounds["rounds"] += 1
        result.faults += [f"nothing was given back in {name}: {reason}" for name, reason in told["reasons"]]

    def compare(self, result: Result) -> None:
        """Look at all that is there, and at what had to be."""
        looker = start_script(
            self.installation,
            "look_after_cut.py",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        said, errors = looker.communicate(json.dumps(self.heads), timeout=600)
        if looker.returncode:
            raise RuntimeError(f"looking ended with {looker.returncode}: {errors[-2000:]}")
        there = json.loads(said.splitlines()[-1])
        for journal in self.journals:
            result.doubtful += journal.doubt is not None
            result.faults += journal.settle(there["versions"].get(journal.name, {}))
        states = there["objects"]
        result.faults += [
            f"the object {name} was told gone and has a row" for name in self.gone & states.keys()
        ]
        result.faults += [
            f"the object {name} was told doomed and is {states[name]}"
            for name in self.doomed & states.keys()
            if states[name] != "doomed"
        ]
        result.faults += there["fsck"] + there["audit"]
        result.read += there["read"]
        result.orphans += there["orphans"]
        # A few of all: each is in the chain that the last one ends.
        self.heads = [*self.heads[-3:], there["head"]]
        if self.look_at_pages() != self.style:
            result.faults.append("the pages have lost their style")

"""G6 at the web door: a small disk below an installation is filled while clients log; nothing told is lost."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
from tests.faults.full_disk import Ballast  # noqa: E402  # the line above makes it importable from anywhere
from tests.faults.world import MIB, PROJECT, World, temporary_folder  # noqa: E402
from tests.support.installation import Installation  # noqa: E402

SIZE, INODES = 512 * MIB, 4000
PLACES = ("blobs", "database", "temp", "all")
CLIENTS = 2
HOLD, AGAIN = 4.0, 5.0
NEVER = 1_000_000
ERROR = "django.db.utils.OperationalError"
# A full disk, and the wait for another writer, which clients repeat.
NAMED = ("database or disk is full", "database is locked")


class Talker:
    """A client that logs one version after another; what it says is read as it comes."""

    def __init__(self, world: World, number: int, stop: Path) -> None:
        self.name = f"set-{number}"
        self.process = world.client("log_seeds", self.name, number * NEVER, NEVER, stop, home=f"c{number}")
        self.told: list[tuple[float, dict[str, Any]]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.append((time.monotonic(), json.loads(line)))

    def logged_since(self, moment: float) -> bool:
        """Tell whether something was logged whose log began after that moment, or may have."""
        return any("version" in fact for at, fact in self.told if at > moment)

    def finish(self) -> list[str]:
        """Wait for its end; return what is wrong with it."""
        self.process.wait(timeout=180)
        self._thread.join()
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        return [f"{self.name} crashed: {errors[-500:]}"] if self.process.returncode else []


@dataclass
class Filling:
    """What one filling came to."""

    place: str
    kind: str
    older: int
    accepted: int
    refused: Counter[str]
    seconds: float
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        refused = ", ".join(f"{count} {code}" for code, count in self.refused.items()) or "none"
        return (
            f"  {self.place:8} {self.kind:6}   {self.older:4} older   {self.accepted:3} accepted while full   "
            f"refused: {refused}   again after {self.seconds:.2f} s   {len(self.faults)} violations"
        )


class Torture:
    """One installation on a small disk, filled and emptied several times."""

    def __init__(self, world: World, disk: Path, place: str, dice: random.Random) -> None:
        self.world, self.place, self.dice = world, place, dice
        self.ballast = Ballast(disk)
        self.stop = world.folder / "stop"
        self.talkers = [Talker(world, number, self.stop) for number in range(CLIENTS)]
        self.faults: list[str] = []

    def wait_for_logs(self, since: float, patience: float) -> float:
        """Return the seconds until a client logged something, and the server finds itself in order."""
        while time.monotonic() - since < patience:
            if any(talker.logged_since(since) for talker in self.talkers) and self.healthy():
                break
            time.sleep(0.02)
        return time.monotonic() - since

    def healthy(self) -> bool:
        return self.world.installation.health()[0] == 200

    def fill(self, kind: str) -> Filling:
        """Fill the disk, let the clients run into it, empty it, and wait for the next success."""
        began = time.monotonic()
        self.wait_for_logs(began, 60)
        full = time.monotonic()
        self._shorten_log()
        while time.monotonic() - full < HOLD:
            # Clients that give up leave some space: it is taken away again.
            self.ballast.fill(kind, "database" if self.place == "database" else "blobs", self.dice)
            time.sleep(0.3)
        empty = time.monotonic()
        self.ballast.clear()
        seconds = self.wait_for_logs(time.monotonic(), 60)
        return self._judge(kind, full, empty, seconds)

    def _shorten_log(self) -> None:
        """Give the disk what the write-ahead log keeps: with that room it takes commits on the fullest disk."""
        database = self.world.installation.data / "strongroom.sqlite3"
        with closing(sqlite3.connect(database, timeout=20)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _judge(self, kind: str, full: float, empty: float, seconds: float) -> Filling:
        told = [entry for talker in self.talkers for entry in talker.told]
        since = [(at, fact) for at, fact in told if at >= full]
        refused = Counter(fact["code"] for _, fact in since if "code" in fact)
        older = sum("version" in fact for at, fact in told if at < full)
        accepted = sum("version" in fact for at, fact in since if at < empty)
        found = Filling(self.place, kind, older, accepted, refused, seconds)
        found.faults += [
            f"refused with {fact['code']} ({fact['status']}): {fact['message']}"
            for _, fact in since
            if "code" in fact and (fact["code"], fact["status"]) != ("storage_full", 507)
        ]
        if seconds > AGAIN:
            found.faults.append(f"it worked again only after {seconds:.1f} s")
        return found

    def finish(self) -> list[str]:
        """End the clients, restart the server, and compare every version that was told with what is there."""
        self.stop.touch()
        found = [fault for talker in self.talkers for fault in talker.finish()]
        found += [f"the server's log: {line}" for line in self.world.unforeseen()]
        found += [f"the server's log: {line}" for line in self._misnamed()]
        left = list((self.world.installation.data / "incoming").glob("*.tmp"))
        found += [f"{len(left)} temporary files were left behind"] if left else []
        self.world.installation.stop()
        self.world.installation.start()
        return found + self._lost()

    def _misnamed(self) -> list[str]:
        """Return what the database said of the full disk in words that were not understood: clients try those again."""
        lines = self.world.installation.log.read_text(errors="replace").splitlines()
        return [line for line in lines if line.startswith(ERROR) and not line.endswith(NAMED)]

    def _lost(self) -> list[str]:
        told = {
            f"{self.world.user}/{PROJECT}/{talker.name}:{fact['version']}": fact["seed"]
            for talker in self.talkers
            for _, fact in talker.told
            if "version" in fact
        }
        checker = self.world.client("check_seeds", self.world.folder / "check", *told)
        said, errors = checker.communicate(timeout=600)
        answers = [json.loads(line) for line in said.splitlines()]
        whole = {
            fact["reference"]
            for fact in answers
            if fact.get("same") and fact["seed"] == told[fact["reference"]]
        }
        report(
            f"  {self.place:8} after a restart: {len(whole)} of {len(told)} versions that were told verify"
        )
        lost = [f"{reference} was told and is lost" for reference in told if reference not in whole]
        return lost[:5] + ([errors[-500:]] if checker.returncode else [])


def lay_out(disk: Path, rest: Path, place: str) -> Installation:
    """Describe an installation of which one part, or all, lies on the small disk."""
    small, large = disk / "data", rest / "rest"
    data, temp = rest / "data", disk / "temp"
    for folder in (small, large, temp):
        folder.mkdir()
    # By symbolic links, so that the log of what went wrong is always on the large disk.
    data.symlink_to(small if place in ("database", "all") else large)
    other = {"blobs": small, "database": large}.get(place)
    for name in ("blobs", "incoming"):
        if other is not None:
            (other / name).mkdir()
            (data / name).symlink_to(other / name)
    return Installation(data, {"TMPDIR": str(temp)} if place == "temp" else {})


def main(disk: Path, place: str, fillings: int, seed: int) -> int:
    """Fill one place several times, in a process of its own, with the disk mounted by the caller."""
    dice, faults = random.Random(f"{place} {seed}"), []
    with temporary_folder() as rest:
        installation = lay_out(disk, rest, place)
        try:
            world = World.of(installation.start(), rest)
            torture = Torture(world, disk, place, dice)
            try:
                for number in range(fillings):
                    filling = torture.fill(("bytes", "inodes")[number % 2])
                    report(str(filling))
                    faults += filling.faults
                faults += torture.finish()
            finally:
                world.close()
        finally:
            installation.remove()
            installation.data.unlink(missing_ok=True)
    for fault, times in Counter(faults).items():
        report(f"    VIOLATION ({times} times) {fault}")
    return 1 if faults else 0


def report(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # the report is what this script is for


def torture(place: str, fillings: int, seed: int = 0) -> int:
    """Mount a small disk that nobody else sees and torture one place on it; return 0 when nothing is wrong."""
    with temporary_folder() as disk:
        mount = f"mount -t tmpfs -o size={SIZE},nr_inodes={INODES} tmpfs {disk}"
        this = f"exec {sys.executable} {Path(__file__).resolve()} {disk} {place} {fillings} {seed}"
        return subprocess.run(["unshare", "-m", "sh", "-c", f"{mount} && {this}"], check=False).returncode


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[2])
    try:
        code = main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    except (AssertionError, RuntimeError, subprocess.SubprocessError) as error:
        report(f"    VIOLATION {str(error)[-600:]}")
        code = 1
    sys.exit(code)

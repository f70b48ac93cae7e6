"""G10: collection without pause beside uploads, deletions, restores and downloads, with kills."""

from __future__ import annotations

import json
import random
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.world import World, kill, start_script
from tests.support.installation import ROOT

UPLOADERS, COLLECTORS = 4, 2
PROTECTION_SECONDS = 2
KILL_EVERY_SECONDS = 5
ENVIRONMENT = {"STRONGROOM_PROTECTION_SECONDS": str(PROTECTION_SECONDS), "STRONGROOM_TRASH_DAYS": "0"}
_QUIET_ROUNDS = 6


@dataclass
class Result:
    """What came of it; `seen` are all objects that were ever met on the disk, with their sizes."""

    seconds: float = 0
    kills: int = 0
    rounds: int = 0
    reads: int = 0
    versions: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    report: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def freed(self) -> float:
        """Return which share of all bytes that ever were dead is gone."""
        left = self.report["disk"] - self.report["needed"]
        dead = sum(self.seen.values()) - self.report["needed"]
        return 1 - left / dead if dead > 0 else 1.0

    def __str__(self) -> str:
        refused = ", ".join(f"{count} {code}" for code, count in sorted(self.refused.items())) or "none"
        return (
            f"  {self.seconds:4.0f} s, {self.kills} kills, {self.rounds} rounds told, {self.reads} reads on the way, "
            f"{self.versions} versions must be there   refused: {refused}\n"
            f"  {sum(self.seen.values()) / 1e6:.1f} MB were written, {self.report['needed'] / 1e6:.1f} MB are needed, "
            f"{self.report['disk'] / 1e6:.1f} MB are left: {self.freed:.2%} of what was dead is freed   "
            f"{len(self.faults)} violations"
        )


def measure(world: World, seconds: float) -> Result:
    """Let everybody at it for some time, kill one of them now and then, and look at what is left."""
    result, stop = Result(), world.folder / "stop"
    clients = [
        world.client("churn", f"churn-{number}", number, stop, home=f"home-{number}")
        for number in range(UPLOADERS)
    ]
    collectors = [_collector(world, "forever", number) for number in range(COLLECTORS)]
    began = time.monotonic()
    _torture(world, collectors, seconds, result)
    result.seconds = time.monotonic() - began
    stop.touch()
    told = [_told(client, number, result) for number, client in enumerate(clients)]
    for process in collectors:
        kill(process.pid)
        process.wait()
    for _ in range(_QUIET_ROUNDS):
        time.sleep(PROTECTION_SECONDS + 0.5)
        _rounds(_collector(world, "once", 99), 99, world, result)
    _verify(world, told, result)
    result.report = json.loads(_said(_collector(world, "report", 98), 98, world)[-1])
    for name in ("lost", "unneeded_blobs", "without_row", "without_bytes"):
        if result.report[name]:
            result.faults.append(f"{result.report[name]} {name}")
    # Packs keep so much that is dead before they are written anew: of a short trial that is more than a hundredth.
    if result.freed < 0.99 and result.report["disk"] > (1 + compaction_tolerates()) * result.report["needed"]:
        result.faults.append(f"only {result.freed:.2%} of the dead bytes were freed")
    return result


def compaction_tolerates() -> float:
    """Return the share of packs that may be dead; the module itself needs the settings of a server."""
    source = (ROOT / "registry/storage/compaction.py").read_text()
    return float(source.split("_TOLERATED = ")[1].split()[0])


def _collector(world: World, act: str, number: int) -> subprocess.Popen[str]:
    with _log(world, number).open("a") as log:
        return start_script(
            world.installation, "collect_forever.py", act, stdout=log, stderr=subprocess.STDOUT
        )


def _log(world: World, number: int) -> Path:
    return world.folder / f"collector-{number}.log"


def _torture(world: World, collectors: list[subprocess.Popen[str]], seconds: float, result: Result) -> None:
    dice, until, next_kill = (
        random.Random(10),
        time.monotonic() + seconds,
        time.monotonic() + KILL_EVERY_SECONDS,
    )
    while time.monotonic() < until:
        time.sleep(0.25)
        _look(world, result)
        if time.monotonic() < next_kill:
            continue
        next_kill += KILL_EVERY_SECONDS
        at = dice.randrange(COLLECTORS + 1)
        if at < COLLECTORS:
            result.kills += kill(collectors[at].pid)
            collectors[at].wait()
            collectors[at] = _collector(world, "forever", at)
        else:
            _, workers = world.web()
            result.kills += bool(workers) and kill(dice.choice(workers))


def _look(world: World, result: Result) -> None:
    blobs = world.installation.data / "blobs"
    for path in blobs.glob("*/*/*"):
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            continue
        result.seen[str(path.relative_to(blobs))] = size


def _told(client: subprocess.Popen[str], number: int, result: Result) -> dict[str, Any]:
    said, errors = client.communicate(timeout=600)
    if client.returncode:
        result.faults.append(f"uploader {number} ended with {client.returncode}: {errors[-500:]}")
        return {}
    lines = [json.loads(line) for line in said.splitlines()]
    for line in lines[:-1]:
        result.reads += 1
        if not line["same"]:
            result.faults.append(f"{line['reference']} was read wrong")
    for code, count in lines[-1]["refused"].items():
        result.refused[code] = result.refused.get(code, 0) + count
    result.versions += len(lines[-1]["held"])
    return dict(lines[-1]["held"])


def _verify(world: World, told: list[dict[str, Any]], result: Result) -> None:
    for number, held in enumerate(told):
        path = world.folder / f"held-{number}.json"
        path.write_text(json.dumps(held))
        process = world.client("check_pieces", f"churn-{number}", path, home=f"check-{number}")
        said, errors = process.communicate(timeout=600)
        lines = [json.loads(line) for line in said.splitlines()]
        if process.returncode or not lines or lines[-1] != {"end": True}:
            result.faults.append(f"not all versions of churn-{number} can be read: {errors[-500:]}")
        result.faults += [
            f"{line['reference']} is not what was logged" for line in lines[:-1] if not line["same"]
        ]
    for number in range(COLLECTORS):
        lines = _log(world, number).read_text().splitlines()
        result.rounds += sum(line.startswith("{") for line in lines)
        result.faults += [f"collector {number}: {line}" for line in lines if "Error" in line]


def _rounds(process: subprocess.Popen[str], number: int, world: World, result: Result) -> None:
    done = json.loads(_said(process, number, world)[-1])
    if done["skipped"]:
        result.faults.append(f"something needed can't be read: {done['reasons']}")


def _said(process: subprocess.Popen[str], number: int, world: World) -> list[str]:
    if process.wait(timeout=600):
        raise RuntimeError(
            f"a collector ended with {process.returncode}:\n{_log(world, number).read_text()[-2000:]}"
        )
    return _log(world, number).read_text().splitlines()

"""G7: one large log and its download while client and server are killed over and over; bytes are counted."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.relay import Relay
from tests.faults.world import MIB, PROJECT, World, answer_of, kill

MOST_SENT = 1.1
# Each so many kills of the server end its master, too, which the supervisor starts again.
MASTER_EVERY = 4
TRIES = 200


@dataclass
class Row:
    """What one direction came to."""

    direction: str
    size: int
    client_kills: int
    server_kills: int
    passed: int
    seconds: float
    same: bool

    @property
    def ratio(self) -> float:
        return self.passed / self.size

    def faults(self, kills: int, most: float = MOST_SENT) -> list[str]:
        """Say what is not as promised."""
        found = []
        if not self.same:
            found.append(f"{self.direction}: the bytes are not those of the file")
        if self.ratio > most:
            found.append(f"{self.direction}: {self.ratio:.3f} times the bytes, more than {most}")
        if (self.client_kills, self.server_kills) != (kills, kills):
            found.append(
                f"{self.direction}: {self.client_kills} and {self.server_kills} kills, not {kills} each"
            )
        return found

    def __str__(self) -> str:
        return (
            f"  {self.direction:8} {self.size / MIB:7.0f} MiB   {self.client_kills:3} client kills "
            f"{self.server_kills:3} server kills   bytes {self.ratio:.4f} x   "
            f"digest {'equal' if self.same else 'DIFFERENT'}   {self.seconds:6.1f} s"
        )


class Torture:
    """Kills the client that runs and the server, in turn, at marks along the way."""

    def __init__(self, world: World, relay: Relay) -> None:
        self.world, self.relay = world, relay
        self.current: subprocess.Popen[str] | None = None
        self.client_kills = self.server_kills = 0

    def marks(self, size: int, kills: int) -> list[tuple[int, Callable[[], None]]]:
        """Spread the kills evenly, away from both ends."""
        acts = [self.kill_client, self.kill_server] * kills
        return [(int(size * (at + 0.5) / len(acts)), act) for at, act in enumerate(acts)]

    def kill_client(self) -> None:
        if self.current is not None and self.current.poll() is None and kill(self.current.pid):
            self.client_kills += 1

    def kill_server(self) -> None:
        master, workers = self.world.web()
        victims = [master] if self.server_kills % MASTER_EVERY == MASTER_EVERY - 1 else workers
        killed = [kill(number) for number in victims]
        self.server_kills += any(killed)

    def until_done(self, act: str, *arguments: object) -> dict[str, object]:
        """Start the client again whenever it was killed, as whoever runs it would."""
        for _ in range(TRIES):
            self.current = self.world.client(act, *arguments, url=self.relay.url)
            self.current.wait(timeout=900)
            if self.current.returncode != -signal.SIGKILL:
                return dict(answer_of(self.current))
            self.current.communicate()
        raise RuntimeError(f"the client was killed {TRIES} times")


def make_file(path: Path, size: int) -> str:
    """Write random bytes and return their SHA-256."""
    computed = hashlib.sha256()
    with path.open("wb") as file:
        for at in range(0, size, MIB):
            block = os.urandom(min(MIB, size - at))
            computed.update(block)
            file.write(block)
    return computed.hexdigest()


def measure(world: World, size: int, kills: int, name: str = "resumed") -> list[Row]:
    """Log a file and download it, with so many kills of the client and of the server each way."""
    source, rows = world.folder / f"{name}.bin", []
    sha256 = make_file(source, size)
    with Relay(world.url) as relay:
        for direction in ("upload", "download"):
            torture, began = Torture(world, relay), time.monotonic()
            relay.when(torture.marks(size, kills))
            if direction == "upload":
                torture.until_done("log_file", source, name)
                same = stored(world, name, source.name) == sha256
            else:
                reference = f"{world.user}/{PROJECT}/{name}:v0"
                files = torture.until_done("get", reference, world.folder / f"{name}-out")["files"]
                same = files == {source.name: sha256}
            passed, seconds = relay.up + relay.down, time.monotonic() - began
            rows.append(
                Row(direction, size, torture.client_kills, torture.server_kills, passed, seconds, same)
            )
    return rows


def stored(world: World, name: str, path: str) -> str:
    """Return the digest that the server verified of a file."""
    route = f"/projects/{world.user}/{PROJECT}/collections/{name}/versions/v0/entry"
    return str(world.session().json("GET", route, path=path)["sha256"])

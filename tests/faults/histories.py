"""G11: many clients log to one collection at once; what can't have happened must not have happened."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from strongroom._http import Session, route
from strongroom.errors import NotFound

from tests.faults.world import PROJECT, World
from tests.support.together import replayed

ALIASES = ("latest", "hot", "of-0", "of-1", "of-2", "of-3")


@dataclass
class Result:
    """What a database did under many clients."""

    database: str
    logs: int
    given: list[int]
    seconds: float
    samples: int
    same_versions: set[str]
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        numbers = sorted(self.given)
        whole = numbers == list(range(self.logs))
        return (
            f"  {self.database:10} {len(numbers):5} logs in {self.seconds:6.1f} s "
            f"({len(numbers) / self.seconds:5.1f}/s)   numbers 0…{numbers[-1] if numbers else '–'} "
            f"{'without gap or twin' if whole else 'WITH GAPS OR TWINS'}   "
            f"{self.samples} samples of alias holders   identical logs made {len(self.same_versions)} version   "
            f"{len(self.faults)} violations"
        )


class Sampler:
    """Asks all the while who holds each alias: once it has a holder, it has one at every moment."""

    def __init__(self, world: World, collection: str) -> None:
        self._session = world.session()
        self._collection = route("projects", world.user, PROJECT, "collections", collection)
        self.samples, self.faults = 0, []
        self._seen: set[str] = set()
        self._last = -1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            try:
                self.sample()
            except Exception as error:  # noqa: BLE001  # a thread that dies silently would look like success
                self.faults.append(f"a sample failed: {error!r}")
                return

    def sample(self) -> None:
        """Look twice: at the list of aliases, and for the versions that say that they hold one."""
        listed = self._session.json("GET", f"{self._collection}/aliases", limit=200)["results"]
        names = Counter(alias["alias"] for alias in listed)
        self._judge(names, "listed")
        latest = next((int(alias["version"][1:]) for alias in listed if alias["alias"] == "latest"), -1)
        if latest < self._last:
            self.faults.append(f"latest went back from v{self._last} to v{latest}")
        self._last = latest
        self._seen |= names.keys()
        alias = ALIASES[self.samples % len(ALIASES)]
        if alias in self._seen:
            found = self._session.json("GET", f"{self._collection}/versions", alias=alias)["results"]
            self._judge(Counter({alias: len(found)}), "held")
        self.samples += 1

    def _judge(self, names: Counter[str], how: str) -> None:
        self.faults += [f"{name} is {how} {count} times" for name, count in names.items() if count != 1]
        if how == "listed":
            self.faults += [f"{name} has no holder" for name in self._seen - names.keys()]


def measure(world: World, clients: int, logs: int, samples: int, database: str = "SQLite") -> Result:
    """Let clients log to one collection, watch, then let them log one content at one moment."""
    name = "history"
    racers = ready(
        [world.client("log_many", name, n, logs, world.folder / "go", home=f"c{n}") for n in range(clients)]
    )
    began = time.monotonic()
    # The collection is there before anybody asks for its aliases: a racer's first log makes it.
    (world.folder / "go").touch()
    wait_for_collection(world, name)
    with Sampler(world, name) as sampler:
        versions = [last_word(racer)["versions"] for racer in racers]
        seconds = time.monotonic() - began
    while sampler.samples < samples and not sampler.faults:
        sampler.sample()
    given = [[int(version[1:]) for version in mine] for mine in versions]
    result = Result(
        database, clients * logs, [number for mine in given for number in mine], seconds, sampler.samples,
        same_at_once(world, clients), sampler.faults,
    )  # fmt: skip
    result.faults += judge(world, name, result, given)
    return result


def judge(world: World, name: str, result: Result, given: list[list[int]]) -> list[str]:
    """Compare what the clients were told with what the server has, and with what its events tell."""
    session, place = world.session(), route("projects", world.user, PROJECT)
    found = []
    if sorted(result.given) != list(range(result.logs)):
        found.append("the numbers that clients were given have gaps or twins")
    if any(mine != sorted(mine) for mine in given):
        found.append("a client saw its own numbers shrink")
    kept = sorted(int(line["version"][1:]) for line in session.pages(f"{place}/collections/{name}/versions"))
    if kept != list(range(result.logs)):
        found.append("the server's numbers have gaps or twins")
    if result.same_versions != {"v0"}:
        found.append(f"identical logs made {sorted(result.same_versions)}")
    held = {
        alias["alias"]: int(alias["version"][1:])
        for alias in session.pages(f"{place}/collections/{name}/aliases")
    }
    told = replayed(events_of(session, place, name))
    if told != held:
        found.append(f"the events tell {told}, but the aliases are {held}")
    if held.get("latest") != result.logs - 1:
        found.append(f"latest is {held.get('latest')}, not the last of {result.logs}")
    return found


def events_of(session: Session, place: str, name: str) -> Iterator[Any]:
    """Give the events of one collection, oldest first."""
    told = session.pages(f"{place}/collections/{name}/events", order="id")
    return (SimpleNamespace(**event) for event in told)


def same_at_once(world: World, clients: int) -> set[str]:
    """Log one content from all clients at one moment; return the versions that they were told."""
    go = world.folder / "go-same"
    racers = ready([world.client("log_same", "same", go, home=f"c{n}") for n in range(clients)])
    go.touch()
    return {last_word(racer)["version"] for racer in racers}


def ready(racers: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Wait until each client says that it only waits for the start."""
    for racer in racers:
        assert racer.stdout is not None
        if not racer.stdout.readline():
            raise RuntimeError(f"a client did not start:\n{racer.communicate()[1][-2000:]}")
    return racers


def last_word(racer: subprocess.Popen[str]) -> Any:
    said, errors = racer.communicate(timeout=1800)
    if racer.returncode:
        raise RuntimeError(f"a client failed:\n{errors[-2000:]}")
    return json.loads(said.splitlines()[-1])


def wait_for_collection(world: World, name: str) -> None:
    """Wait for the first log of any client, which makes the collection."""
    session, path = world.session(), route("projects", world.user, PROJECT, "collections", name)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(NotFound):
            session.json("GET", path)
            return
        time.sleep(0.02)
    raise RuntimeError("no client logged anything within a minute")

"""Clients of an installation, each in a process of its own: what users' programs do, and JSON of what came out."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import strongroom
from strongroom._http import Session, route
from strongroom.errors import StrongroomError
from strongroom.settings import load


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201  # read by whoever started this


def log_file(path: str, name: str) -> None:
    """Log one file, as a training script does: with a run of its own each time it is started."""
    with strongroom.init(job_type="faults") as run:
        artifact = strongroom.Artifact(name, "dataset")
        artifact.add_file(path, policy="immutable")
        logged = run.log_artifact(artifact)
    say(version=logged.version, digest=logged.digest)


def get(reference: str, folder: str) -> None:
    """Download a version past the cache and say what arrived."""
    artifact = strongroom.Api().artifact(reference)
    root = Path(artifact.download(folder, skip_cache=True))
    found = {}
    for path in root.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                found[str(path.relative_to(root))] = hashlib.file_digest(file, "sha256").hexdigest()
    say(version=artifact.version, digest=artifact.digest, files=found)


def contents(seed: int) -> Iterator[tuple[str, bytes]]:
    """Make the files that belong to a seed: many small ones, or few with a large one among them."""
    dice = random.Random(seed)
    if dice.random() < 0.3:
        yield "large.bin", dice.randbytes(dice.randint(2 << 20, 10 << 20))
    for number in range(dice.choice([1, 3, 40])):
        yield f"part-{number % 5}/{number}.bin", dice.randbytes(dice.randint(0, 60_000))


def draft_of(seed: int, name: str) -> strongroom.Artifact:
    artifact = strongroom.Artifact(name, "dataset", metadata={"seed": seed})
    for path, data in contents(seed):
        with artifact.new_file(path, "wb") as file:
            file.write(data)
    return artifact


def log_seeds(name: str, first: str, count: str, stop: str) -> None:
    """Log one version after another until a file appears; say of each what became of it."""
    for seed in range(int(first), int(first) + int(count)):
        if os.path.exists(stop):
            break
        began = time.monotonic()
        try:
            with strongroom.init() as run:
                logged = run.log_artifact(draft_of(seed, name))
        except StrongroomError as error:
            say(
                seed=seed,
                code=error.code,
                status=error.status,
                message=str(error),
                after=time.monotonic() - began,
            )
            # Refused by a full disk at once: who tries again without a pause only warms the room.
            time.sleep(0.1)
        else:
            say(seed=seed, version=logged.version, digest=logged.digest)
    say(end=True)


def check_seeds(folder: str, *references: str) -> None:
    """Download versions, and say of each whether its files are those of the seed that it names."""
    for number, reference in enumerate(references):
        artifact = strongroom.Api().artifact(reference)
        root = Path(artifact.download(f"{folder}/{number}", skip_cache=True))
        expected = dict(contents(int(artifact.metadata["seed"])))
        files = (path for path in root.rglob("*") if path.is_file())
        found = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
        shutil.rmtree(root)
        say(reference=reference, seed=artifact.metadata["seed"], same=found == expected)
    say(end=True)


def log_many(name: str, client: str, count: str, start: str) -> None:
    """Wait for the others, then log versions that nobody else logs, each with two aliases."""
    wait_for(start)
    given = []
    with strongroom.init() as run:
        for number in range(int(count)):
            artifact = strongroom.Artifact(name, "dataset")
            with artifact.new_file("data.txt") as file:
                file.write(f"{client} {number}")
            given.append(run.log_artifact(artifact, aliases=["hot", f"of-{int(client) % 4}"]).version)
    say(versions=given)


def log_same(name: str, start: str) -> None:
    """Wait for the others, then log what all of them log."""
    artifact = strongroom.Artifact(name, "dataset")
    with artifact.new_file("data.txt") as file:
        file.write("the same")
    with strongroom.init() as run:
        wait_for(start)
        say(version=run.log_artifact(artifact).version)


def piece(number: int) -> bytes:
    """Return the content of a number: a few of them are large, and most are in many versions."""
    dice = random.Random(number)
    return dice.randbytes(dice.randint(1 << 20, 3 << 20) if number % 40 == 0 else dice.randint(1, 40_000))


def churn(name: str, seed: str, stop: str) -> None:
    """Log, delete, restore and read versions of few contents until a file appears; say what must be there."""
    dice, held, refused = random.Random(seed), {}, {}
    while not os.path.exists(stop):
        act = dice.choice(["log", "log", "log", "delete", "delete", "restore", "read"])
        try:
            _churn(act, name, dice, held)
        except StrongroomError as error:
            refused[error.code] = refused.get(error.code, 0) + 1
            time.sleep(0.05)
    say(held=held, refused=refused)


def _churn(act: str, name: str, dice: random.Random, held: dict[str, list[int]]) -> None:
    if act == "log" or not held:
        numbers = sorted(dice.sample(range(160), dice.randint(1, 25)))
        artifact = strongroom.Artifact(name, "dataset")
        for number in numbers:
            with artifact.new_file(f"{number}.bin", "wb") as file:
                file.write(piece(number))
        with strongroom.init() as run:
            logged = run.log_artifact(artifact)
        held[logged.version] = numbers
        return
    version = dice.choice(sorted(held))
    if act == "read":
        say_same(f"{name}:{version}", held[version])
        return
    # From now on it may be gone, whatever the answer is.
    numbers = held.pop(version)
    artifact = strongroom.Api().artifact(f"{name}:{version}")
    artifact.delete(delete_aliases=True)
    if act == "restore":
        session = Session(load())
        path = route("projects", session.settings.entity, session.settings.project, "collections", name)
        session.json("POST", f"{path}/versions/{version}/restore", {})
        held[version] = numbers


def say_same(reference: str, numbers: list[int]) -> None:
    """Download a version and say whether it has the contents of these numbers."""
    artifact = strongroom.Api().artifact(reference)
    root = Path(
        artifact.download(f"{os.environ['STRONGROOM_CACHE_DIR']}/read-{os.getpid()}", skip_cache=True)
    )
    found = {path.name: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    shutil.rmtree(root)
    say(reference=reference, same=found == {f"{number}.bin": piece(number) for number in numbers})


def check_pieces(name: str, told: str) -> None:
    """Download what must be there, and say of each whether it is what was logged."""
    for version, numbers in json.loads(Path(told).read_text()).items():
        say_same(f"{name}:{version}", numbers)
    say(end=True)


def wait_for(path: str) -> None:
    """Wait for a file; say first that this client is ready."""
    say(ready=True)
    while not os.path.exists(path):
        time.sleep(0.01)


ACTS = {
    act.__name__: act
    for act in (log_file, get, log_seeds, check_seeds, log_many, log_same, churn, check_pieces)
}

if __name__ == "__main__":
    ACTS[sys.argv[1]](*sys.argv[2:])

"""Bytes in a bucket: run `python bench/stores.py [--rounds 3] [--mib 1024] [--files 10000]`.

A file of so many MiB and so many small files (1 to 8 KiB) are logged and fetched: by clients that reach the bucket
and by clients that do not, so that all passes the server, and by boto3 alone as the limit. The bucket is an emulator
of S3 in Python, which takes most of the time: compare within one run. In each round emulator and installations are
new, the ways take turns, and each act is a process that times nothing but its call. Medians go to standard output,
with each way beside the limit, and the processor's time of the server's processes beside the clock.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "client" / "src")]

from figures import median, short  # noqa: E402  # importable only once the path is set
from processes import Sampler  # noqa: E402  # importable only once the path is set

MIB = 1 << 20
SENDERS = 16
DIRECT, SERVER, LIMIT = "direct", "through the server", "boto3 alone"
ACTS = ("send large", "fetch large", "send small", "fetch small")


@dataclass
class Way:
    """How the bytes go, and what a process has to know for it."""

    name: str
    environment: dict[str, str]
    server: int | None = None


@dataclass
class Measured:
    """The rounds of one act by one way."""

    seconds: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


# --- What a process does ------------------------------------------------------------------------------------------
def act(what: str, folder: Path, fetched: Path) -> float:
    """Do one act as the environment says, and return how long the call took."""
    if bucket := os.environ.get("BENCH_BUCKET"):
        return _by_boto3(what, bucket, folder, fetched)
    import strongroom

    name = what.split()[1]
    if what.startswith("fetch"):
        artifact = strongroom.Api().artifact(f"{name}:latest")
        start = time.perf_counter()
        artifact.download(fetched, skip_cache=True)
        return time.perf_counter() - start
    with strongroom.init() as run:
        artifact = strongroom.Artifact(name, "dataset")
        start = time.perf_counter()
        artifact.add_dir(str(folder), skip_cache=True, policy="immutable")
        run.log_artifact(artifact).wait()
        return time.perf_counter() - start


def _by_boto3(what: str, bucket: str, folder: Path, fetched: Path) -> float:
    import boto3
    from botocore.config import Config

    client = boto3.client("s3", config=Config(max_pool_connections=SENDERS))
    names = sorted(path.name for path in folder.iterdir())
    fetched.mkdir(exist_ok=True)
    start = time.perf_counter()
    with ThreadPoolExecutor(1 if len(names) == 1 else SENDERS) as pool:
        if what.startswith("send"):
            list(pool.map(lambda name: client.upload_file(str(folder / name), bucket, name), names))
        else:
            list(pool.map(lambda name: client.download_file(bucket, name, str(fetched / name)), names))
    return time.perf_counter() - start


# --- The run ------------------------------------------------------------------------------------------------------
def closed_port() -> str:
    """Return an address where nobody listens: a bucket that clients do not reach."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def ways(folder: Path) -> Iterator[list[Way]]:
    """Start an emulator and two installations over it, and return the three ways."""
    from tests.support import bucket_settings, stores
    from tests.support.installation import Installation

    with ExitStack() as stack:
        endpoint = stack.enter_context(stores.s3_server())
        plain = stores.s3_store(endpoint)
        found = [Way(LIMIT, {**plain.environment, "BENCH_BUCKET": plain.bucket})]
        for name, public in ((DIRECT, endpoint), (SERVER, closed_port())):
            given = bucket_settings.environment("s3", stores.s3_store(endpoint))
            installation = Installation.in_new_folder(**given, STRONGROOM_BLOBS_PUBLIC_ENDPOINT=public)
            stack.callback(installation.remove)
            installation.patience = 600
            installation.start()
            environment = {
                "STRONGROOM_BASE_URL": installation.url,
                "STRONGROOM_API_KEY": installation.make_key("bench", admin=False),
                "STRONGROOM_PROJECT": "bench",
                "HOME": str(folder / f"home-{name.replace(' ', '-')}"),
            }
            assert installation.process is not None
            found.append(Way(name, environment, installation.process.pid))
        yield found


def fill(folder: Path, mib: int, files: int, seed: int) -> None:
    """Write the large file and the small ones; other bytes in each round."""
    made = random.Random(seed)
    for name in ("large", "small"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    with (folder / "large" / "large.bin").open("wb") as file:
        for _ in range(mib):
            file.write(made.randbytes(MIB))
    for number in range(files):
        (folder / "small" / f"{number:05}.bin").write_bytes(made.randbytes(made.randint(1024, 8192)))


def one(way: Way, what: str, folder: Path, found: Measured) -> None:
    """Do one act in a process of its own, and see what came of it."""
    source, fetched = folder / what.split()[1], folder / "fetched"
    shutil.rmtree(fetched, ignore_errors=True)
    os.sync()
    command = [sys.executable, __file__, "--act", what, str(source), str(fetched)]
    with Sampler([way.server] if way.server else []) as sampler:
        done = subprocess.run(
            command, env={**os.environ, **way.environment}, check=True, stdout=subprocess.PIPE, text=True
        )
    if what.startswith("fetch"):
        subprocess.run(["diff", "-r", str(source), str(fetched)], check=True)
    found.seconds.append(float(done.stdout.split()[-1]))
    found.server.append(sampler.cpu)
    found.memory.append(sampler.peak_pss)


def run(rounds: int, mib: int, files: int) -> dict[tuple[str, str], Measured]:
    """Do all rounds."""
    found: dict[tuple[str, str], Measured] = defaultdict(Measured)
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as top:
        for number in range(rounds):
            folder = Path(top)
            fill(folder, mib, files, number)
            with ways(folder) as known:
                for what in ACTS:
                    for at in range(len(known)):
                        way = known[(at + number) % len(known)]
                        one(way, what, folder, found[what, way.name])
                        took = found[what, way.name].seconds[-1]
                        told = f"round {number + 1}: {what}, {way.name}: {took:.1f} s"
                        print(told, file=sys.stderr, flush=True)
    return found


def report(found: dict[tuple[str, str], Measured], mib: int, files: int) -> Iterator[str]:
    """Give the lines of a table."""
    sizes = {"large": f"{mib:,} MiB in one file", "small": f"{files:,} files of 1 to 8 KiB"}
    yield "| what | way | seconds (each round) | to the limit | to the other way | server's processor | its memory |"
    yield "|---|---|---|---|---|---|---|"
    for what in ACTS:
        word, kind = what.split()
        middle = {name: median(found[what, name].seconds) or 0.0 for name in (LIMIT, DIRECT, SERVER)}
        for name, other in ((LIMIT, ""), (DIRECT, SERVER), (SERVER, DIRECT)):
            one = found[what, name]
            cells = [
                f"{word} {sizes[kind]}",
                name,
                f"{short(middle[name])} ({', '.join(short(each) for each in one.seconds)})",
                f"{middle[name] / middle[LIMIT]:.2f} ×" if other else "",
                f"{middle[name] / middle[other]:.2f} ×" if other else "",
                f"{short(median(one.server))} s" if other else "",
                f"{max(one.memory):.0f} MiB" if other else "",
            ]
            yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Run, and print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--mib", type=int, default=1024)
    options.add_argument("--files", type=int, default=10_000)
    given = options.parse_args()
    for line in report(run(given.rounds, given.mib, given.files), given.mib, given.files):
        print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--act"]:
        print(act(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
    else:
        main()

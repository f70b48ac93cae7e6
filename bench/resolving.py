"""References that the server resolves, at size: `python bench/resolving.py [--objects N …] [--files N …]`.

A prefix of so many objects on an emulator of S3, or a folder tree of so many files, is given to a running
installation: its worker lists it in batches, and commits the version. Of each count are told the time until all was
found and until the version is there, the processor's time and the largest memory (PSS) of the worker and its pool,
and of the processes that serve the web; beside that the limit (a plain listing by boto3, or `find` with `md5sum`) and
what the same costs in the client. Memory must not grow with the count, so there are two of each by default.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "client" / "src")]

import references  # noqa: E402  # importable only once the path is set
from processes import Sampler  # noqa: E402  # importable only once the path is set

EVERY = 0.2
LONGEST = 3600


@dataclass
class Running:
    """An installation that may read the bucket, and a session of somebody there."""

    session: Any
    worker: list[int]
    web: list[int]


@contextmanager
def running(**environment: str) -> Iterator[Running]:
    """Start an installation that may reach what is referred to."""
    from strongroom._http import Session
    from strongroom.settings import Settings

    from tests.support.installation import Installation

    installation = Installation.in_new_folder(**environment)
    installation.patience = 600
    try:
        installation.start()
        key = installation.make_key("bench", admin=False)
        known = installation.processes()
        worker = [pid for pid, line in known.items() if "celery" in line]
        web = [pid for pid, line in known.items() if "gunicorn" in line]
        yield Running(Session(Settings(base_url=installation.url, api_key=key)), worker, web)
    finally:
        installation.remove()


def resolve(session: Any, uri: str, count: int) -> tuple[float, float]:
    """Log what a URI names, and return the seconds until everything was found, and until the version was there."""
    card = {"collection": "many", "type": "dataset", "client_id": f"bench-{count}"}
    draft = session.json("POST", "/projects/bench/bench/drafts", card)["id"]
    start, found = time.perf_counter(), 0.0
    session.json("POST", f"/drafts/{draft}/references", {"uri": uri})
    session.json("POST", f"/drafts/{draft}/resolution", {"aliases": [], "tags": []})
    while time.perf_counter() - start < LONGEST:
        told = session.json("GET", f"/drafts/{draft}/resolution")
        if not found and told["state"] != "resolving":
            found = time.perf_counter() - start
        if told["state"] == "committed":
            version = session.json("POST", f"/drafts/{draft}/commit", {})["version"]
            assert version["file_count"] == count, version
            return found, time.perf_counter() - start
        if told["state"] == "failed":
            raise RuntimeError(told)
        time.sleep(EVERY)
    raise RuntimeError(f"Not resolved after {LONGEST} s.")


def by_worker(uri: str, count: int, **environment: str) -> None:
    """Measure what the worker does, and what it costs who is served meanwhile."""
    with running(**environment) as known:
        # The lists of processes are taken as they begin: the worker has its pool by then.
        with Sampler(known.worker) as worker, Sampler(known.web) as web:
            found, there = resolve(known.session, uri, count)
        what = f"the worker: all found after {found:.1f} s, then the commit"
        print(f"| {what} | {there:.1f} s | {worker.cpu:.1f} s | {worker.peak_pss:.0f} MiB | {count:,} |")
        print(f"| the web meanwhile | | {web.cpu:.1f} s | {web.peak_pss:.0f} MiB | |", flush=True)


def of_bucket(count: int) -> None:
    """Measure a prefix."""
    print(f"| **a prefix of {count:,} objects** | | | | |", flush=True)
    uri = f"s3://{references.BUCKET}/{references.PREFIX}"
    with references.bucket(count) as endpoint, tempfile.NamedTemporaryFile("w", suffix=".toml") as stores:
        given = {**references.KEYS, "AWS_ENDPOINT_URL_S3": endpoint}
        listing = [sys.executable, "-c", references.LIST, references.BUCKET, f"{references.PREFIX}/"]
        references.measure("limit: a plain listing by boto3", listing, **given)
        references.measure("`Artifact.add_reference`", references.strongroom(references.ADD, uri), **given)
        stores.write(
            f'[["*"]]\nstore = "s3"\nbuckets = ["{references.BUCKET}"]\nendpoint = "{endpoint}"\n'
            'key_id = "testing"\nsecret = "testing"\n'
        )
        stores.flush()
        by_worker(uri, count, STRONGROOM_REFERENCE_STORES=stores.name)


def of_folder(count: int) -> None:
    """Measure a folder tree."""
    print(f"| **a folder of {count:,} files** | | | | |", flush=True)
    with references.folder_tree(count) as top:
        references.limit_of(top)
        uri = f"file://{top}"
        references.measure("`Artifact.add_reference`", references.strongroom(references.ADD, uri))
        by_worker(uri, count, STRONGROOM_REFERENCE_ROOTS=top)


def main() -> None:
    """Measure each count that was given."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--objects", type=int, nargs="*", default=[10_000, 100_000])
    options.add_argument("--files", type=int, nargs="*", default=[100_000, 1_000_000])
    given = options.parse_args()
    print("| what | time | processor | memory | |\n|---|---|---|---|---|")
    for count in given.objects:
        of_bucket(count)
    for count in given.files:
        of_folder(count)


if __name__ == "__main__":
    main()

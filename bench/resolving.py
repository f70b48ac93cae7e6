"""References that the server resolves, at size: run `python bench/resolving.py [objects] […]`.

A prefix of so many objects on an emulator of S3 is given to a running installation: its worker lists it in batches,
and commits the version. Of each count are told the time until the version is there, the time until all was found,
the processor's time and the largest memory of the worker and its pool, and of the processes that serve the web;
beside that a plain listing by boto3 as the limit, and what the same costs in the client (`bench/references.py`).
Memory must not grow with the count: give two, such as `10000 100000`.
"""

from __future__ import annotations

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

import references  # noqa: E402  # after the path
from processes import Sampler  # noqa: E402  # after the path

EVERY = 0.2
LONGEST = 3600


@dataclass
class Running:
    """An installation that may read the bucket, and a session of somebody there."""

    session: Any
    worker: list[int]
    web: list[int]


@contextmanager
def running(endpoint: str) -> Iterator[Running]:
    """Start an installation that has the credentials of the bucket."""
    from strongroom._http import Session
    from strongroom.settings import Settings

    from tests.support.installation import Installation

    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as folder:
        stores = Path(folder) / "stores.toml"
        stores.write_text(
            f'[["*"]]\nstore = "s3"\nbuckets = ["{references.BUCKET}"]\nendpoint = "{endpoint}"\n'
            'key_id = "testing"\nsecret = "testing"\n'
        )
        stores.chmod(0o600)
        installation = Installation.in_new_folder(STRONGROOM_REFERENCE_STORES=str(stores))
        try:
            installation.patience = 600
            installation.start()
            key = installation.make_key("bench", admin=False)
            known = installation.processes()
            worker = [pid for pid, line in known.items() if "celery" in line]
            web = [pid for pid, line in known.items() if "gunicorn" in line]
            yield Running(Session(Settings(base_url=installation.url, api_key=key)), worker, web)
        finally:
            installation.remove()


def resolve(session: Any, count: int) -> tuple[float, float]:
    """Log the prefix, and return the seconds until everything was found, and until the version was there."""
    card = {"collection": f"prefix-{count}", "type": "dataset", "client_id": f"bench-{count}"}
    draft = session.json("POST", "/projects/bench/bench/drafts", card)["id"]
    start, found = time.perf_counter(), 0.0
    uri = f"s3://{references.BUCKET}/{references.PREFIX}"
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


def measure(count: int) -> None:
    """Measure one count."""
    print(f"| **a prefix of {count:,} objects** | | | | |", flush=True)
    with references.bucket(count) as endpoint:
        given = {**references.KEYS, "AWS_ENDPOINT_URL_S3": endpoint}
        listing = [sys.executable, "-c", references.LIST, references.BUCKET, f"{references.PREFIX}/"]
        references.measure("limit: a plain listing by boto3", listing, **given)
        uri = f"s3://{references.BUCKET}/{references.PREFIX}"
        references.measure("`Artifact.add_reference`", references.strongroom(references.ADD, uri), **given)
        with running(endpoint) as known:
            # The lists of processes are taken as they begin: the worker has its pool by then.
            with Sampler(known.worker) as worker, Sampler(known.web) as web:
                found, there = resolve(known.session, count)
            what = f"the worker: all found after {found:.1f} s, then the commit"
            print(f"| {what} | {there:.1f} s | {worker.cpu:.1f} s | {worker.peak_pss:.0f} MiB | {count:,} |")
            print(f"| the web meanwhile | | {web.cpu:.1f} s | {web.peak_pss:.0f} MiB | |", flush=True)


def main() -> None:
    """Measure each count that was given."""
    print("| what | time | processor | memory | objects |\n|---|---|---|---|---|")
    for count in [int(each) for each in sys.argv[1:]] or [10_000, 100_000]:
        measure(count)


if __name__ == "__main__":
    main()

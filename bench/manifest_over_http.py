"""What a version of a million entries costs a running server: `.venv/bin/python bench/manifest_over_http.py [entries]`.

An installation as `make run` starts it, on a free port and in a temporary folder. A thousand small files are logged
first; the million entries then name their bytes, in a thousand folders. Memory is that of all processes of the
installation, pages that they share counted once.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from typing import Any

from drivers import strongroom
from processes import Sampler
from web import Http

FOLDERS = 1000
ROUTE = f"/api/v1/projects/team-0/{strongroom.PROJECT}"


def contents(at: int) -> bytes:
    """Return one of the thousand small files."""
    return f"sample {at}\n".encode() * (at % 50 + 1)


def entry(at: int, each: int, *, changed: bool) -> bytes:
    """Return a line of the manifest; a changed entry names the bytes of another file."""
    data = contents((at + changed) % FOLDERS)
    found = {
        "path": f"class-{at // each:04}/image-{at % each:06}.txt",
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return json.dumps(found).encode() + b"\n"


def body(count: int, changed: set[int]) -> Iterator[bytes]:
    """Compress the manifest as it is made, as the client does."""
    squeeze, each, lines = zlib.compressobj(1, wbits=31), count // FOLDERS, []
    for at in range(count):
        lines.append(entry(at, each, changed=at in changed))
        if len(lines) == 2000:
            yield squeeze.compress(b"".join(lines))
            lines.clear()
    yield squeeze.compress(b"".join(lines)) + squeeze.flush()


def log(server: strongroom.Server, api: Http, manifest: Iterator[bytes]) -> tuple[float, float]:
    """Log a manifest, and return the seconds of staging it and of its commit."""
    draft = api.json("POST", f"{ROUTE}/drafts", {"collection": "many", "type": "dataset"})["id"]
    began = time.perf_counter()
    connection = http.client.HTTPConnection(api.host, api.port)
    headers = {**server.http_headers(), "Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    pieces = (piece for piece in manifest if piece)
    connection.request("PUT", f"/api/v1/drafts/{draft}/manifest", pieces, headers, encode_chunked=True)
    answer = connection.getresponse()
    staged = json.loads(answer.read())
    connection.close()
    if answer.status != 200 or staged["missing"]["count"]:
        raise RuntimeError(f"the manifest was not taken whole: {staged}")
    between = time.perf_counter()
    made = api.json("POST", f"/api/v1/drafts/{draft}/commit", {})
    if not made["created"]:
        raise RuntimeError("the commit made no version")
    return between - began, time.perf_counter() - between


def logged(server: strongroom.Server, api: Http, what: str, manifest: Iterator[bytes]) -> None:
    """Log a manifest, and show what it cost."""
    before = server.store_bytes()
    with Sampler(server.pids(), every=0.05) as cost:
        staging, commit = log(server, api, manifest)
    row(f"{what}: stage, then commit", f"{staging:.1f} s, {commit:.2f} s")
    row(f"{what}: the server's memory grew by", f"{cost.grown:.0f} MiB, to {cost.peak_pss:.0f}")
    row(f"{what}: database and store grew by", f"{(server.store_bytes() - before) / 2**20:.2f} MiB")


def timed(api: Http, what: str, path: str, expected: str) -> None:
    """Show the median of a request; the answer must hold what it is asked for."""
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        status, answer = api.call("GET", path)
        taken.append((time.perf_counter() - began) * 1000)
        if status != 200 or expected.encode() not in answer:
            raise RuntimeError(f"{path}: {status} {answer[:200]!r}")
    row(what, f"{statistics.median(taken):.1f} ms, the slowest {max(taken):.1f}")


def row(what: str, value: Any) -> None:
    """Show one line of the table."""
    sys.stdout.write(f"| {what} | {value} |\n")
    sys.stdout.flush()


def small_files(server: strongroom.Server) -> None:
    """Log the thousand files through the product's client."""
    os.environ.update(server.client_env())
    import strongroom as product

    artifact = product.Artifact("files", "dataset")
    for at in range(FOLDERS):
        with artifact.new_file(f"{at}.txt", mode="wb") as file:
            file.write(contents(at))
    with product.init(project=strongroom.PROJECT, entity="team-0") as run:
        run.log_artifact(artifact)


def main() -> None:
    """Start an installation, measure, and end it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as folder:
        server = strongroom.Server(folder, {})
        server.prepare()
        server.start()
        try:
            measure(server, count)
        finally:
            server.stop()


def measure(server: strongroom.Server, count: int) -> None:
    """Log twice, and read a folder and the difference."""
    small_files(server)
    api = Http(server.base, server.http_headers())
    sys.stdout.write("| what | value |\n|---|---|\n")
    changed = {count * at // 10 + 7 for at in range(10)}
    logged(server, api, f"{count:,} entries", body(count, set()))
    logged(server, api, "10 of them changed", body(count, changed))
    version = f"{ROUTE}/collections/many/versions/v1"
    timed(api, "a page of the top folder", f"{version}/folder?limit=100", "class-0000")
    timed(api, "a page of an inner folder", f"{version}/folder?path=class-0500&limit=100", "image-000000")
    timed(api, "the difference", f"{version}/diff?base=v0", "class-0000/image-000007")


if __name__ == "__main__":
    main()

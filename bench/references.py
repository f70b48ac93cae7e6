"""What references cost at size: run `python bench/references.py [objects] [files]`.

A prefix of so many objects on an emulator of S3, against a plain listing by boto3 (and `aws s3 ls`, where it is);
a folder tree of so many files, against `find` with `md5sum` as the limit. Each act is a process of its own, whose
time, processor and largest memory (RSS) are told. Needs nothing but this repository and its test requirements.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUCKET, PREFIX = "bench", "data"
FILES_EACH = 1000
KEYS = {
    "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip

_EXPAND = """
import sys
from strongroom.core.references import expand
from strongroom.reach import ClientReach
print(sum(1 for _ in expand(sys.argv[1], reach=ClientReach())))
"""
ADD = """
import sys
from strongroom import Artifact
print(len(Artifact("bench", "dataset").add_reference(sys.argv[1])))
"""
LIST = """
import sys, boto3
pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=sys.argv[1], Prefix=sys.argv[2])
print(sum(len(page.get("Contents", ())) for page in pages))
"""


def measure(what: str, command: list[str], **environment: str) -> None:
    """Run a process and print its row."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, env={**os.environ, **environment}, cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        count = said.read()[-40:].split()
    took = time.perf_counter() - start
    told = f"{took:.1f} s | {used.ru_utime + used.ru_stime:.1f} s | {used.ru_maxrss / 1024:.0f} MiB"
    found = int(count[-1]) if count and process.returncode == 0 else f"ended with {process.returncode}"
    print(
        f"| {what} | {told} | {found:,} |" if isinstance(found, int) else f"| {what} | {found} | | |",
        flush=True,
    )


def strongroom(script: str, *given: str) -> list[str]:
    """Return the command that runs a script with the client."""
    return [sys.executable, "-c", script, *given]


@contextmanager
def bucket(count: int) -> Iterator[str]:
    """Serve a bucket with so many objects, put there without a request for each."""
    command = [sys.executable, __file__, "--serve", str(count)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)


def serve(count: int) -> None:
    """Be the emulator."""
    from moto.s3.models import s3_backends
    from moto.server import ThreadedMotoServer

    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    for number in range(count):
        backend.put_object(BUCKET, f"{PREFIX}/{number // FILES_EACH:04}/{number % FILES_EACH:04}.bin", b"x")
    # Nothing changes here. Sorting all keys anew for each page would be all that is measured.
    listed = backend.list_objects
    known = lru_cache(
        lambda prefix, delimiter: listed(backend.get_bucket(BUCKET), prefix, delimiter, None, None)
    )
    backend.list_objects = lambda bucket, prefix, delimiter, marker, max_keys: known(prefix, delimiter)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}".replace("0.0.0.0", "127.0.0.1"), flush=True)
    signal.pause()


def of_bucket(count: int) -> None:
    """Measure a prefix."""
    with bucket(count) as endpoint:
        given = {**KEYS, "AWS_ENDPOINT_URL_S3": endpoint}
        uri = f"s3://{BUCKET}/{PREFIX}"
        measure(
            "limit: a plain listing by boto3", [sys.executable, "-c", LIST, BUCKET, f"{PREFIX}/"], **given
        )
        if _has_aws():
            listing = f"aws s3 ls --recursive {uri}/ --endpoint-url {endpoint} | wc -l"
            measure("limit: `aws s3 ls --recursive`", ["sh", "-c", listing], **given)
        measure("its entries, one after the other", strongroom(_EXPAND, uri), **given)
        measure("`Artifact.add_reference`", strongroom(ADD, uri), **given)


def _has_aws() -> bool:
    # A shim that leads to no program is none.
    return (
        shutil.which("aws") is not None
        and not subprocess.run(["aws", "--version"], capture_output=True, check=False).returncode
    )


@contextmanager
def folder_tree(count: int) -> Iterator[str]:
    """Make a folder tree of so many files."""
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as top:
        for number in range(count):
            if number % FILES_EACH == 0:
                folder = f"{top}/{number // FILES_EACH:04}"
                os.mkdir(folder)
            with open(f"{folder}/{number % FILES_EACH:04}.bin", "wb") as file:
                file.write(b"%d" % number)
        yield top


def limit_of(top: str) -> None:
    """Measure what hashing a folder tree takes at least."""
    hashing = f"find -L {top} -type f -print0 | xargs -0 md5sum | wc -l"
    measure("once, so that all is in memory", ["sh", "-c", hashing])
    measure("limit: `find` with `md5sum`", ["sh", "-c", hashing])


def of_folder(count: int) -> None:
    """Measure a folder tree."""
    with folder_tree(count) as top:
        limit_of(top)
        measure("its entries, one after the other", strongroom(_EXPAND, f"file://{top}"))
        measure("`Artifact.add_reference`", strongroom(ADD, f"file://{top}"))


def main() -> None:
    objects = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    print("| what | time | processor | memory | |\n|---|---|---|---|---|")
    print(f"| **a prefix of {objects:,} objects** | | | | |")
    of_bucket(objects)
    print(f"| **a folder of {files:,} files** | | | | |")
    of_folder(files)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        main()

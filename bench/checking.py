"""What a check of the store costs: run `python bench/checking.py [entries] [blobs] [bytes a blob] [folder]`.

A store of its own in a temporary folder: so many contents in packs and some large ones, and manifests that name them.
Then `manage.py fsck` as people run it, in a process of its own: how long, how many bytes a second, how much memory.
Where this runs as root, the disk's cache is emptied before a "cold" run.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "client" / "src")]
from bench.manifests import prepare  # noqa: E402  # importable only then

MIB = 1 << 20
LARGE = 8
VERSIONS = 10


def contents(count: int, mean: int) -> Iterator[bytes]:
    """Make up contents of many sizes; random bytes are cut from one stretch, for it is disks that are measured."""
    dice = random.Random(1)
    stretch = dice.randbytes(2 * mean + MIB)
    for number in range(count):
        size = dice.randrange(1, 2 * mean)
        at = dice.randrange(len(stretch) - size)
        yield number.to_bytes(8) + stretch[at : at + size]


def fill(scope: Any, count: int, mean: int) -> list[tuple[bytes, int]]:
    """Store contents as clients send them; return digest and size of each."""
    from registry import storage
    from registry.storage import frames

    known: list[tuple[bytes, int]] = []
    body: list[bytes] = []
    held = 0
    for data in contents(count, mean):
        digest = hashlib.sha256(data).digest()
        known.append((digest, len(data)))
        body += [frames.head(digest, len(data)), data]
        held += len(data)
        if held > 48 * MIB:
            send(scope, body)
            body, held = [], 0
    send(scope, body)
    for number in range(LARGE):
        data = number.to_bytes(8) + random.Random(number).randbytes(32 * MIB)
        digest = hashlib.sha256(data).digest()
        upload = storage.begin_upload(scope, 1, len(data)).upload
        storage.append_part(upload, 1, 0, io.BytesIO(data), len(data))
        storage.complete_upload(upload, digest)
        known.append((digest, len(data)))
    return known


def send(scope: Any, body: list[bytes]) -> None:
    from registry import storage

    if body:
        data = b"".join(body)
        storage.receive_bundle(scope, io.BytesIO(data), len(data))


def log(people: Any, entries: int, known: list[tuple[bytes, int]]) -> None:
    """Commit versions that name all contents together, each many times."""
    from strongroom.core.manifest import Entry

    from registry import manifests
    from registry.models import Collection, Membership, Version
    from registry.services._common import now
    from tests import factories

    project = factories.project(people)
    each = entries // VERSIONS
    for number in range(VERSIONS):
        scope = people.team.entity

        def lines(number: int = number) -> Iterator[Entry]:
            for at in range(each):
                digest, size = known[(at + number * 7919) % len(known)]
                yield Entry(f"v{number}/class-{at // 1000:05}/{at % 1000:04}.bin", None, size, digest.hex())

        staged = manifests.seal(manifests.stage(scope, lines()).manifest)
        held = factories.log(people.bob, project, f"c{number}", {"a": b"%d" % number})
        version = Version.objects.create(
            sequence=held.collection,
            state="COMMITTED",
            manifest=staged,
            digest=staged.digest,
            size=staged.total_size,
            file_count=staged.entry_count,
            committed_at=now(),
        )
        Membership.objects.create(collection=held.collection, version=version, number=1)
        Collection.objects.filter(pk=held.collection_id).update(next_number=2, version_count=2)


def check(*options: str) -> dict[str, Any]:
    """Run the command; return what it says of itself, with the seconds and the memory that it took."""
    began = time.monotonic()
    command = [sys.executable, str(ROOT / "manage.py"), "fsck", "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    most = 0.0
    while process.poll() is None:
        most = max(most, resident(process.pid))
        time.sleep(0.02)
    assert process.stdout
    with process.stdout as printed:
        said = printed.read().splitlines()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(said[-1]) | {
        "exit": process.returncode,
        "wall": time.monotonic() - began,
        "rss": most,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }


def resident(process: int) -> float:
    """Return the most memory that a process had until now, in MiB: what its parent had is not counted."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(found[0]) / 1024 if found else 0.0


def cool() -> bool:
    """Empty the disk's cache, where that is allowed."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def row(what: str, said: dict[str, Any]) -> None:
    counts = said["counts"]
    read = counts.get("bytes", 0)
    print(
        f"| {what} | {said['seconds']:.1f} s | {read / MIB:,.0f} MiB, {read / 1e6 / said['seconds']:,.0f} MB/s | "
        f"{said['rss']:.0f} MiB | {said['cpu']:.1f} s | {said['found']} wrong |"
    )


def main() -> None:
    entries, blobs, mean = (int(text) for text in [*sys.argv[1:4], "1000000", "100000", "40000"][:3])
    where = sys.argv[4] if len(sys.argv) > 4 else None
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-", dir=where) as folder:
        prepare(folder)
        from tests import factories

        people = factories.people()
        known = fill(people.team.entity, blobs, mean)
        log(people, entries, known)
        print(
            f"{entries:,} entries, {len(known):,} contents, {sum(size for _, size in known) / 1e9:.1f} GB\n"
        )
        print("| what | time | read | most memory | processor | found |\n|---|---|---|---|---|---|")
        cold = cool()
        row(f"all bytes, {'cold' if cold else 'as cached as it is'}", check("--read-data"))
        row("all bytes, cached", check("--read-data"))
        row("all bytes and MD5s", check("--read-data", "--md5"))
        row("all bytes, one thread", check("--read-data", "--threads", "1"))
        row("rows, manifests and totals", check())
        row("a tenth", check("--read-data", "--part", "1/10"))
        row("all bytes, at most 200M a second", check("--read-data", "--rate", "200M"))


if __name__ == "__main__":
    main()

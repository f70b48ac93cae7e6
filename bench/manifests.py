"""What the manifest store costs at a million entries: run `python bench/manifests.py [entries] [nested] [flat]`.

Each row is one act on a fresh database and blob store in a temporary folder; the rows of the blobs
are seeded, since it is the manifests that are measured. "Cold" means with no node in memory.
"""

from __future__ import annotations

import base64
import hashlib
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FOLDERS = 1000


def prepare(folder: str) -> None:
    """Point the settings at a folder of our own and make the tables there."""
    os.environ["STRONGROOM_DATA"] = folder
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "artifacts_site.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    Path(settings.INCOMING_DIR).mkdir(parents=True, exist_ok=True)
    migrated = any((ROOT / "registry" / "migrations").glob("0*.py"))
    if not migrated:
        settings.MIGRATION_MODULES = {"registry": None}
    call_command("migrate", run_syncdb=not migrated, verbosity=0)


def shape(name: str, count: int) -> Iterator[str]:
    """Give paths in order: `nested` is FOLDERS folders at the root, `flat` one folder of all."""
    if name == "flat":
        return (f"images/{at:08}.jpg" for at in range(count))
    each = count // FOLDERS
    return (f"class-{at // each:04}/image-{at % each:06}.jpg" for at in range(each * FOLDERS))


def digests(path: str, generation: int) -> tuple[bytes, bytes, int]:
    """Make up what a file of this path would have."""
    sha = hashlib.sha256(f"{path} {generation}".encode()).digest()
    return sha, hashlib.md5(sha).digest(), 1000 + sha[0] * 100


def stream(paths: Iterator[str], changed: set[int], *, claim: bool) -> Iterator[Any]:
    from strongroom.core.manifest import Entry

    for at, path in enumerate(paths):
        sha, md5, size = digests(path, at in changed)
        yield Entry(path, base64.b64encode(md5).decode() if claim else None, size, sha.hex())


def seed(scope: Any, paths: Iterator[str], changed: set[int]) -> None:
    """Insert blob rows whose bytes nobody will read."""
    from django.db import transaction
    from django.utils import timezone

    # One transaction: a row of its own for each would be a sync of the disk for each.
    with transaction.atomic():
        _seed(scope, paths, changed, timezone.now())


def _seed(scope: Any, paths: Iterator[str], changed: set[int], now: Any) -> None:
    from registry.models import StoredObject
    from registry.storage.rows import NewBlob, insert_blobs

    stored = StoredObject.objects.create(name=f"bench/{time.monotonic_ns()}", size=1 << 40)
    batch: list[NewBlob] = []
    for at, path in enumerate(paths):
        for generation in {False, at in changed}:
            batch.append(NewBlob(*digests(path, generation), 0))
        if len(batch) >= 20_000:
            insert_blobs(scope, stored, batch, now)
            batch.clear()
    if batch:
        insert_blobs(scope, stored, batch, now)


def resident() -> tuple[int, int]:
    """Return resident bytes, and those of them that are not pages of mapped files (SQLite maps its own)."""
    with open("/proc/self/statm") as file:
        _size, all_of_it, shared, *_rest = map(int, file.read().split())
    page = resource.getpagesize()
    return all_of_it * page, (all_of_it - shared) * page


class Measured:
    """Time, and the highest resident memory over that at the start, sampled by a thread."""

    def __enter__(self) -> Measured:
        self._stop = threading.Event()
        self._start = resident()
        self._peak = [*self._start]
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        self._clock = time.perf_counter()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self._sample()

    def _sample(self) -> None:
        self._peak = [max(pair) for pair in zip(self._peak, resident(), strict=True)]

    def __exit__(self, *error: object) -> None:
        self.seconds = time.perf_counter() - self._clock
        self._stop.set()
        self._thread.join()
        self._sample()
        grown, own = (peak - start for peak, start in zip(self._peak, self._start, strict=True))
        self.memory = f"memory +{grown / 2**20:.0f} MiB, +{own / 2**20:.0f} without mapped files"


def measure(act: Callable[[], Any]) -> tuple[Any, Measured]:
    with Measured() as measured:
        result = act()
    return result, measured


def cold(act: Callable[[], Any], times: int = 20) -> float:
    """Return the median of an act, in milliseconds, nothing cached."""
    from registry.manifests import cache

    taken = []
    for _ in range(times):
        cache.shared.clear()
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


class Reads:
    """Counts the nodes that are read from the store."""

    def __init__(self) -> None:
        from registry import storage

        self.count, self._real, self._storage = 0, storage.read_piece, storage

    def __enter__(self) -> Reads:
        from registry.manifests import cache

        cache.shared.clear()
        self._storage.read_piece = self._read  # type: ignore[assignment]
        return self

    def _read(self, *place: Any) -> bytes:
        self.count += 1
        return self._real(*place)

    def __exit__(self, *error: object) -> None:
        self._storage.read_piece = self._real


def row(what: str, value: str, extra: str = "") -> None:
    print(f"| {what} | {value} | {extra} |", flush=True)


def run(name: str, count: int) -> None:
    from strongroom.core.digests import ManifestDigest

    from registry import manifests
    from registry.models import Chunk, Entity

    scope = Entity.objects.create(name=name, folded=name, kind="team")
    changed = {count * at // 10 + 7 for at in range(10)}
    seed(scope, shape(name, count), changed)
    one, measured = measure(lambda: manifests.stage(scope, stream(shape(name, count), set(), claim=False)))
    row(f"{name}: stage {count:,} entries", f"{measured.seconds:.1f} s", measured.memory)
    row(f"{name}: chunks of it", f"{one.chunks_written:,}", f"{stored_bytes() / 2**20:.0f} MiB stored")
    expected = ManifestDigest()
    for entry in stream(shape(name, count), set(), claim=True):
        expected.add(entry.path, entry.digest)
    row(
        f"{name}: digest equals the client's",
        str(expected.hexdigest() == one.manifest.digest),
        one.manifest.digest,
    )
    before = stored_bytes()
    with Reads() as reads:
        two, measured = measure(
            lambda: manifests.stage(scope, stream(shape(name, count), changed, claim=True))
        )
    row(
        f"{name}: stage again, 10 entries changed",
        f"{measured.seconds:.1f} s",
        f"{measured.memory}, {two.chunks_written} chunks, "
        f"{(stored_bytes() - before) / 1024:.0f} KiB written, {reads.count} nodes read",
    )
    seal_from_nothing(name, scope, one.manifest)
    first, second = one.manifest, two.manifest
    with Reads() as reads:
        found = list(manifests.diff(first, second))
    taken = cold(lambda: list(manifests.diff(first, second)))
    row(f"{name}: diff, cold", f"{taken:.1f} ms", f"{len(found)} changes, {reads.count} nodes read")
    pages(name, second, count)
    _, measured = measure(lambda: sum(1 for _ in manifests.entries(second)))
    row(f"{name}: read all entries", f"{measured.seconds:.1f} s", measured.memory)
    row(f"{name}: chunks in the store", f"{Chunk.objects.filter(scope=scope).count():,}")


def seal_from_nothing(name: str, scope: Any, manifest: Any) -> None:
    """Seal as after an upload of everything: no leaf has its MD5s yet."""
    from registry import manifests
    from registry.models import Chunk, Manifest

    digest = manifest.digest
    Chunk.objects.filter(scope=scope).update(md5s=None)
    Manifest.objects.filter(pk=manifest.pk).update(digest="")
    manifest.refresh_from_db()
    page, measured = measure(lambda: manifests.missing(manifest, None, 10_000))
    row(f"{name}: ask what is missing", f"{measured.seconds:.1f} s", f"{len(page.blobs)} missing")
    sealed, measured = measure(lambda: manifests.seal(manifest))
    same = "same digest" if sealed.digest == digest else "ANOTHER DIGEST"
    row(f"{name}: seal", f"{measured.seconds:.1f} s", f"{measured.memory}, {same}")


def pages(name: str, manifest: Any, count: int) -> None:
    from registry import manifests

    folder, last = ("images", f"f:{count // 2:08}.jpg") if name == "flat" else ("", "d:class-0500")
    for what, cursor in (("first", None), ("middle", last)):
        with Reads() as reads:
            page = manifests.folder(manifest, folder, cursor, 100)
        taken = cold(lambda cursor=cursor: manifests.folder(manifest, folder, cursor, 100))
        items = len(page.folders) + len(page.files)
        row(
            f"{name}: {what} page of 100, cold", f"{taken:.1f} ms", f"{items} items, {reads.count} nodes read"
        )
    inner = f"images/{count // 3:08}.jpg" if name == "flat" else "class-0333/image-000033.jpg"
    row(f"{name}: look up one path, cold", f"{cold(lambda: manifests.lookup(manifest, inner)):.1f} ms")


def stored_bytes() -> int:
    from django.db.models import Sum

    from registry.models import Chunk

    return Chunk.objects.aggregate(total=Sum("length"))["total"] or 0


def decode_rate() -> None:
    """Measure a leaf from stored bytes to paths and sizes."""
    from registry.manifests.framing import open_frame
    from registry.manifests.leaves import Leaf, LeafDraft

    draft = LeafDraft()
    for at in range(1024):
        sha, md5, size = digests(str(at), 0)
        draft.append((f"train/class-{at // 100:04}/image-{at:06}.jpg", size, sha, md5, ""))
    node = draft.encode(0)
    stored, digest = node.stored(), node.digest
    start, rounds = time.perf_counter(), 500
    for _ in range(rounds):
        leaf = Leaf(open_frame(stored, digest))
        assert len(leaf.paths) == len(leaf.sizes) == 1024
    rate = rounds * 1024 / (time.perf_counter() - start)
    row("decode paths and sizes, verified", f"{rate / 1e6:.1f} M entries/s")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    names = sys.argv[2:] or ["nested", "flat"]
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as folder:
        prepare(folder)
        print("| what | value | |\n|---|---|---|")
        decode_rate()
        for name in names:
            run(name, count)


if __name__ == "__main__":
    main()

"""What giving bytes back costs: run `python bench/collecting.py [entries] [contents]`.

A team with a version of so many entries over so many contents of a kilobyte, ten versions of a tenth of both, and as
many purged ones: a round that finds nothing, the purge, the round that deletes half of the contents and writes packs
anew, and the one that deletes the objects. On a fresh SQLite database and blob store in a temporary folder, while the
web server runs beside and a reader asks for the home page and the page of the collection: at rest, and during each.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from manifests import ROOT, Measured, prepare, row
from manifests import measure as measure_wall
from processes import stop_tree
from watching import Watch, watching
from web import free_port, wait_200

BYTES, BUNDLE, VERSIONS = 1024, 5000, 10
AT_REST = 20
READER, PASSWORD = "reader", "a long enough sentence"
PAGES = {"home": "/", "collection": "/vision/many/artifacts/set"}


def measure(act: Callable[[], Any]) -> tuple[Any, Measured, str]:
    """Measure an act; in words, with the processor's time, which says more on a machine that is not at rest."""
    start = time.process_time()
    result, took = measure_wall(act)
    return result, took, f"{took.seconds:.2f} s (processor {time.process_time() - start:.2f} s)"


def content(number: int) -> bytes:
    """Make up a content; those of dead versions have numbers of their own."""
    return hashlib.shake_128(b"%d" % number).digest(BYTES)


def upload(scope: Any, numbers: range) -> None:
    """Store contents as clients send them: many to a bundle, and so many to a pack."""
    from registry import storage
    from registry.storage import frames

    for first in range(numbers.start, numbers.stop, BUNDLE):
        body = b"".join(
            frames.head(hashlib.sha256(data).digest(), len(data)) + data
            for data in map(content, range(first, min(first + BUNDLE, numbers.stop)))
        )
        storage.receive_bundle(scope, io.BytesIO(body), len(body))


def entries(count: int, numbers: range) -> Iterator[Any]:
    """Name contents in turn."""
    from strongroom.core.manifest import Entry

    known = [hashlib.sha256(content(number)).hexdigest() for number in numbers]
    for at in range(count):
        yield Entry(f"{at // 1000:05}/{at:08}.bin", None, BYTES, known[at % len(known)])


def seed(count: int, contents: int) -> tuple[Any, Any, list[Any]]:
    """Make live versions over one half of the contents, and as many others over the other half, mixed in packs."""
    from django.core.management import call_command

    from registry import manifests
    from registry.actor import system
    from registry.models import ArtifactType, Collection, Membership, Project, Version
    from registry.services import teams
    from registry.services._common import now

    who = system("command")
    team = teams.create_team(who, name="vision", organization=teams.create_organization(who, name="acme"))
    call_command("createuser", READER, "--password", PASSWORD, stdout=io.StringIO())
    call_command("addmember", "--team", "vision", READER, "member", stdout=io.StringIO())
    project = Project.objects.create(entity=team.entity, name="many")
    kind = ArtifactType.objects.create(project=project, name="model")
    place = Collection.objects.create(project=project, type=kind, name="set", next_number=0, version_count=0)
    upload(team.entity, range(contents))
    dead = []
    for at, (size, numbers) in enumerate(
        [
            (count, range(0, contents, 2)),
            *((count // VERSIONS, range(2 * at, contents, 2 * VERSIONS)) for at in range(VERSIONS)),
            *((count // VERSIONS, range(2 * at + 1, contents, 2 * VERSIONS)) for at in range(VERSIONS)),
        ]
    ):
        manifest = manifests.seal(manifests.stage(team.entity, entries(size, numbers)).manifest)
        version = Version.objects.create(
            sequence=place, state="COMMITTED", manifest=manifest, committed_at=now(), digest=manifest.digest,
            size=manifest.total_size, file_count=manifest.entry_count,
        )  # fmt: skip
        membership = Membership.objects.create(collection=place, version=version, number=at)
        dead += [membership] if at > VERSIONS else []
    Collection.objects.filter(pk=place.pk).update(
        next_number=2 * VERSIONS + 1, version_count=2 * VERSIONS + 1
    )
    return team, who, dead


def run(count: int, contents: int, folder: Path) -> list[str]:
    """Print what each step costs; return what a reader met meanwhile."""
    (_, who, dead), took, words = measure(lambda: seed(count, contents))
    row("made ready", words, took.memory)
    with (
        server(folder) as (base, process),
        watching(base, process, (READER, PASSWORD), PAGES, folder) as watch,
    ):
        # The first visit of each page of each process is another matter.
        time.sleep(5)
        with watch.during("at rest"):
            time.sleep(AT_REST)
        steps(who, dead, watch)
        return list(watch.rows())


def steps(who: Any, dead: list[Any], watch: Watch) -> None:
    from django.utils import timezone

    from registry.manifests import cache
    from registry.services import collecting, trash, versions
    from registry.storage import compaction

    def later(days: int) -> Any:
        return timezone.now() + timedelta(days=days)

    def round_at(days: int) -> Any:
        cache.shared.clear()
        return collecting.collect(who, at=later(days), longest_seconds=None)

    with watch.during("a round that finds nothing"):
        done, took, words = measure(lambda: round_at(2))
    row("a round that finds nothing", words, f"{took.memory}; {done.found.blobs} files")
    with watch.during("a preview"):
        told, took, words = measure(lambda: collecting.preview(who, at=later(2), longest_seconds=None))
    row("a preview", words, f"{took.memory}; {told.found.blobs} files")
    for membership in dead:
        versions.delete(who, membership=membership, delete_aliases=True)
    _, took, words = measure(lambda: trash.purge_due(later(20)))
    row(f"purge of {len(dead)} versions", words, took.memory)
    with (
        watch.during("the round that finds half of it dead"),
        noted(compaction, "compact", watch, "within it, while packs are written anew"),
    ):
        done, took, words = measure(lambda: round_at(30))
    row(
        "the round that finds it",
        words,
        f"{took.memory}; {done.found.blobs:,} files, {done.found.chunks:,} parts, {done.compacted} packs anew",
    )
    with watch.during("the round after, which deletes"):
        done, took, words = measure(lambda: round_at(40))
    row(
        "the round after, which deletes",
        words,
        f"{took.memory}; {done.objects} objects, {done.freed / 1e6:.0f} MB",
    )


@contextmanager
def noted(module: Any, name: str, watch: Watch, what: str) -> Iterator[None]:
    """Count what a generator of a module does as a span of its own."""
    real = getattr(module, name)

    def wrapped(*given: Any) -> Iterator[Any]:
        with watch.during(what):
            yield from real(*given)

    setattr(module, name, wrapped)
    try:
        yield
    finally:
        setattr(module, name, real)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """Run the installation beside, as `make run` does, on the same data; give its address and its process."""
    port = free_port()
    command = [sys.executable, "-m", "artifacts_site.serve", "--data", str(folder), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "client/src")])}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_200(f"http://127.0.0.1:{port}/healthz", process)
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            stop_tree(process)


def main() -> None:
    given = [int(number) for number in sys.argv[1:3]]
    count, contents = [*given, *(1_000_000, 100_000)[len(given) :]]
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        say(f"The load average is {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.")
        say("| what | takes | |\n|---|---|---|")
        rows = run(count, contents, Path(folder))
    heads = ["pages while", "for", *(f"{name}, ms" for name in PAGES), "server's processor a page"]
    say(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    say("\n".join(rows))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

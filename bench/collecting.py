"""What giving bytes back costs: run `python bench/collecting.py [entries] [contents]`.

A team with a version of so many entries over so many contents of a kilobyte, ten versions of a tenth of both, and as
many purged ones: a round that finds nothing, the purge, the round that deletes half of the contents and writes packs
anew, and the one that deletes the objects. On a fresh SQLite database and blob store in a temporary folder.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from manifests import Measured, prepare, row
from manifests import measure as measure_wall

BYTES, BUNDLE, VERSIONS = 1024, 5000, 10


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
    from registry import manifests
    from registry.actor import system
    from registry.models import ArtifactType, Collection, Membership, Project, Version
    from registry.services import teams
    from registry.services._common import now

    who = system("command")
    team = teams.create_team(who, name="vision", organization=teams.create_organization(who, name="acme"))
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


def run(count: int, contents: int) -> None:
    from django.utils import timezone

    from registry.manifests import cache
    from registry.services import collecting, trash, versions

    def later(days: int) -> Any:
        return timezone.now() + timedelta(days=days)

    def round_at(days: int) -> Any:
        cache.shared.clear()
        return collecting.collect(who, at=later(days), longest_seconds=None)

    (_, who, dead), took, words = measure(lambda: seed(count, contents))
    row("made ready", words, took.memory)
    done, took, words = measure(lambda: round_at(2))
    row("a round that finds nothing", words, f"{took.memory}; {done.found.blobs} files")
    told, took, words = measure(lambda: collecting.preview(who, at=later(2), longest_seconds=None))
    row("a preview", words, f"{took.memory}; {told.found.blobs} files")
    for membership in dead:
        versions.delete(who, membership=membership, delete_aliases=True)
    _, took, words = measure(lambda: trash.purge_due(later(20)))
    row(f"purge of {len(dead)} versions", words, took.memory)
    done, took, words = measure(lambda: round_at(30))
    row(
        "the round that finds it",
        words,
        f"{took.memory}; {done.found.blobs:,} files, {done.found.chunks:,} parts, {done.compacted} packs anew",
    )
    done, took, words = measure(lambda: round_at(40))
    row(
        "the round after, which deletes",
        words,
        f"{took.memory}; {done.objects} objects, {done.freed / 1e6:.0f} MB",
    )


def main() -> None:
    given = [int(number) for number in sys.argv[1:3]]
    count, contents = [*given, *(1_000_000, 100_000)[len(given) :]]
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        print("| what | takes | |\n|---|---|---|")
        run(count, contents)


if __name__ == "__main__":
    main()

"""What retention costs at size: run `python bench/retention.py [versions] [due]`.

A team with so many versions in a hundred collections, each version of ten files, of which it shares nine with the
version before: a preview of a default time to live (counts, then bytes), and the expiry of `due` versions. On a fresh
SQLite database in a temporary folder, or on the PostgreSQL database that DATABASE_URL names.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from manifests import Measured, prepare, row
from manifests import measure as measure_wall

COLLECTIONS, FILES = 100, 10
DAY = 86400


def measure(act: Callable[[], Any]) -> tuple[Any, Measured, str]:
    """Measure an act; in words, with the processor's time, which says more on a machine that is not at rest."""
    start = time.process_time()
    result, took = measure_wall(act)
    return result, took, f"{took.seconds:.2f} s (processor {time.process_time() - start:.2f} s)"


def seed(count: int) -> Any:
    """Make a team with its versions: rows alone, for it is reading them that is measured."""
    from django.db import transaction
    from django.utils import timezone

    from registry.actor import system
    from registry.models import ArtifactType, Collection, Project
    from registry.services import teams

    who = system("command")
    organization = teams.create_organization(who, name="acme")
    team = teams.create_team(who, name="vision", organization=organization)
    project = Project.objects.create(entity=team.entity, name="many")
    kind = ArtifactType.objects.create(project=project, name="model")
    each = count // COLLECTIONS
    places = Collection.objects.bulk_create(
        Collection(project=project, type=kind, name=f"set-{at:03}", next_number=each, version_count=each)
        for at in range(COLLECTIONS)
    )
    for at, place in enumerate(places):
        with transaction.atomic():
            _fill(team.entity, place, at, each, timezone.now())
    return team


def _fill(scope: Any, place: Any, at: int, count: int, now: Any) -> None:
    from registry.models import Alias, Chunk, Manifest, Membership, Version

    roots = [_leaf(at, number) for number in range(count)]
    Chunk.objects.bulk_create(
        (
            Chunk(
                scope=scope, sha256=leaf.digest, kind="e", entry_count=FILES, data=stored, length=len(stored)
            )
            for leaf, stored in roots
        ),
        batch_size=500,
    )
    manifests = Manifest.objects.bulk_create(
        (
            Manifest(
                scope=scope,
                root=leaf.digest,
                folders_root=leaf.digest,
                entry_count=FILES,
                total_size=FILES * 1000,
            )
            for leaf, _ in roots
        ),
        batch_size=500,
    )
    versions = Version.objects.bulk_create(
        (
            Version(
                sequence=place,
                state="COMMITTED",
                manifest=manifest,
                digest=hashlib.md5(bytes(manifest.root)).hexdigest(),
                size=FILES * 1000,
                file_count=FILES,
                created_at=now - timedelta(days=200 * (count - number) / count),
                committed_at=now,
            )
            for number, manifest in enumerate(manifests)
        ),
        batch_size=500,
    )
    places = Membership.objects.bulk_create(
        (
            Membership(collection=place, version=version, number=number)
            for number, version in enumerate(versions)
        ),
        batch_size=500,
    )
    Alias.objects.bulk_create(
        Alias(collection=place, membership=held, name=f"gold-{held.number}") for held in places[::20]
    )


def _leaf(at: int, number: int) -> tuple[Any, bytes]:
    from registry.manifests.leaves import LeafDraft

    draft = LeafDraft()
    for file in range(FILES):
        sha = hashlib.sha256(f"{at} {file} {number if file == 0 else number // 10}".encode()).digest()
        draft.append((f"part-{file}", 1000, sha, None, ""))
    node = draft.encode(0)
    return node, node.stored()


def preview(team: Any, count: int) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from registry.actor import system
    from registry.services import freed, previews

    plan = previews.plan(system("command"), place=team.entity, ttl=90 * DAY, rules={"kept_newest": 3})
    with CaptureQueriesContext(connection) as queries:
        found, _, said = measure(lambda: previews.of(plan))
    told = f"{found.expire:,} expire, {found.backlog:,} at once, {sum(found.kept.values()):,} kept"
    row(f"preview of {count:,} versions: counts", said, f"{told}; {len(queries)} queries")
    with CaptureQueriesContext(connection) as queries:
        back, took, wait = measure(lambda: freed.of(plan))
    told = f"{back.size:,} of {found.size:,} bytes come back; {len(queries):,} queries; {took.memory}"
    row(f"preview of {count:,} versions: bytes", wait, told)


def expiry(team: Any, due: int) -> None:
    from django.utils import timezone

    from registry.actor import system
    from registry.models import Version
    from registry.services import retention

    ages = Version.objects.order_by("created_at").values_list("created_at", flat=True)
    # Every twentieth holds an alias, and is spared.
    oldest = ages[due * 20 // 19]
    ttl = int((timezone.now() - oldest).total_seconds())
    retention.set_policy(system("command"), target=team.entity, ttl=ttl)
    done, took, said = measure(retention.expire_due)
    row(f"expiry of {done:,} versions", said, f"{done / took.seconds:,.0f} a second")
    done, _, said = measure(retention.expire_due)
    row("expiry again, what became due meanwhile", said, f"{done} versions")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    due = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as folder:
        prepare(folder)
        team, _, said = measure(lambda: seed(count))
        print("| what | value | |\n|---|---|---|")
        row(f"{count:,} versions seeded", said)
        preview(team, count)
        expiry(team, due)


if __name__ == "__main__":
    main()

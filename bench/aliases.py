"""What an alias on a date costs at size: run `python bench/aliases.py [moves]`.

A registered model whose aliases moved so often: half of the moves are those of `production`, the others of a thousand
aliases, and it has a tenth as many versions. Who held an alias at 1,000 moments is asked by the service and by a
reference as every door does; the list and the picture of the page are measured beside. On a fresh SQLite database in a
temporary folder, or on the PostgreSQL database that DATABASE_URL names.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from figures import percentile
from manifests import measure, prepare, row

ASKED, OTHERS, STEP = 1000, 1000, timedelta(minutes=1)


def seed(moves: int) -> Any:
    """Make the collection with its versions and moves: rows alone, for it is reading them that is measured."""
    from django.utils import timezone

    from registry.actor import system
    from registry.models import AliasMove, ArtifactType, Collection, Membership, Project, Version
    from registry.services import teams

    who, begun = system("command"), timezone.now() - STEP * (moves + 2)
    organization = teams.create_organization(who, name="acme")
    team = teams.create_team(who, name="vision", organization=organization)
    project = Project.objects.create(entity=team.entity, name="models")
    kind, count = ArtifactType.objects.create(project=project, name="model"), max(10, moves // 10)
    place = Collection.objects.create(
        project=project,
        type=kind,
        name="classifier",
        next_number=count,
        version_count=count,
        created_at=begun,
    )
    # Of the trash: they need no content, and the history names them as any other.
    purged = {"state": "DELETED", "deleted_at": begun, "purged_at": begun, "created_at": begun}
    versions = Version.objects.bulk_create(
        (Version(sequence=place, **purged) for _ in range(count)), batch_size=2000
    )
    Membership.objects.bulk_create(
        (
            Membership(
                collection=place, version=version, number=number, created_at=begun + STEP * 10 * number
            )
            for number, version in enumerate(versions)
        ),
        batch_size=2000,
    )
    AliasMove.objects.bulk_create(
        (
            AliasMove(
                collection=place,
                name=_name(at),
                at=begun + STEP * at,
                number=at % count,
                how="move",
                actor_name="maya",
            )
            for at in range(moves)
        ),
        batch_size=2000,
    )
    return place


def _name(at: int) -> str:
    return "production" if at % 2 else f"candidate-{at // 2 % OTHERS:03}"


def moments(place: Any, moves: int) -> Iterator[tuple[int, datetime]]:
    """Yield moments of the whole history at random, each with the number of the move before it."""
    rng = random.Random(1)
    for _ in range(ASKED):
        at = rng.randrange(2, moves)
        yield at, place.created_at + STEP * at + STEP / 2


def times(acts: Iterator[Callable[[], Any]]) -> str:
    """Do acts one after the other; say the median and the slow end."""
    took = []
    for act in acts:
        begun = time.perf_counter()
        act()
        took.append((time.perf_counter() - begun) * 1000)
    return f"{percentile(took, 50):.2f} ms (95 %: {percentile(took, 95):.2f} ms, most: {max(took):.2f} ms)"


def ask(place: Any, moves: int) -> None:
    """Ask who held aliases at moments, and check each answer."""
    from registry.actor import system
    from registry.errors import Gone
    from registry.services import alias_history, versions

    count = place.version_count

    def held(name: str, at: datetime, expected: int) -> None:
        found = alias_history.held_at(place, [name], at)
        if found != {name: expected}:
            raise AssertionError(f"{name} at {at}: {found}, not v{expected}")

    def found(at: datetime) -> None:
        ref = f"production@{at.isoformat().replace('+00:00', 'Z')}"
        try:
            versions.find(system("command"), place, ref)
        except Gone:
            return
        raise AssertionError("It was purged.")

    asked = list(moments(place, moves))
    of_production = ((at - 1 if at % 2 == 0 else at, moment) for at, moment in asked)
    said = times(
        (lambda at=at, moment=moment: held("production", moment, at % count)) for at, moment in of_production
    )
    row("`production` at a moment", said)
    of_others = ((at - at % 2, moment) for at, moment in asked)
    said = times(
        (lambda at=at, moment=moment: held(_name(at), moment, at % count)) for at, moment in of_others
    )
    row(f"one of {OTHERS:,} others at a moment", said)
    said = times(
        (lambda at=at, moment=moment: held("latest", moment, min(at // 10, count - 1)))
        for at, moment in asked
    )
    row("`latest` at a moment, from where versions stand", said)
    row("`name:production@moment`, as every door finds it", times((lambda m=m: found(m)) for _, m in asked))


def show(place: Any) -> None:
    """Read what the page of aliases shows."""
    from registry.actor import system
    from registry.services import alias_history

    who = system("command")
    row("the aliases that a picture shows", times(_ten(lambda: alias_history.lanes(who, place, [], most=6))))
    names = ["production", *(f"candidate-{at:03}" for at in range(5))]
    row(
        "the last 24 moves of six aliases",
        times(_ten(lambda: alias_history.spans(who, place, names, each=24))),
    )
    listed = alias_history.listing(who, collection=place).order_by("-at", "-pk")
    row("a page of 50 moves, the newest", times(_ten(lambda: list(listed[:50]))))
    deep = alias_history.listing(
        who, collection=place, alias="production", until=place.created_at + STEP * 1000
    )
    row(
        "a page of 50 moves of `production`, the oldest",
        times(_ten(lambda: list(deep.order_by("-at", "-pk")[:50]))),
    )


def _ten(act: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    return (act for _ in range(10))


def main() -> None:
    moves = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as folder:
        prepare(folder)
        place, took = measure(lambda: seed(moves))
        print("| what | value | |\n|---|---|---|")
        row(f"{moves:,} moves, {place.version_count:,} versions seeded", f"{took.seconds:.0f} s")
        ask(place, moves)
        show(place)


if __name__ == "__main__":
    main()

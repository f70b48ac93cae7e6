"""Who held an alias when: written by every act that moves one, and answered for every moment."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.errors import Gone, InvalidReference, NotFound
from registry.models import Alias, AliasMove, Collection, Membership, Version
from registry.services import (
    alias_history,
    alias_moves,
    aliases,
    collections,
    links,
    retention,
    trash,
    versions,
)
from tests import factories as make
from tests.support import promoting

pytestmark = pytest.mark.django_db
NAMES = ["latest", "production", "staging", "größe"]


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def held(collection: Collection) -> dict[str, int]:
    rows = Alias.objects.filter(collection=collection)
    return dict(rows.values_list("name", "membership__number"))


def told(collection: Collection) -> list[tuple[str, int | None, str]]:
    rows = AliasMove.objects.filter(collection=collection).order_by("at", "pk")
    return list(rows.values_list("name", "number", "how"))


def act(rng: random.Random, world, who, collection: Collection) -> None:
    """Do one act at random to a collection of few versions and aliases."""
    present = list(Membership.objects.committed().filter(collection=collection).order_by("number"))
    gone = list(Membership.objects.trashed().filter(collection=collection).order_by("number"))
    what = rng.choice(["log", "move", "move", "move", "remove", "delete", "restore", "replace", "again"])
    if what == "log" or not present:
        world.append(make.log(world.person, world.project, aliases=rng.sample(NAMES[1:], rng.randint(0, 2))))
    elif what == "move":
        aliases.move(who, membership=rng.choice(present), name=rng.choice(NAMES))
    elif what == "remove" and (names := sorted(held(collection))):
        aliases.remove(who, collection=collection, name=rng.choice(names))
    elif what == "delete":
        versions.delete(who, membership=rng.choice(present), delete_aliases=True)
    elif what == "restore" and gone:
        trash.restore(who, membership=rng.choice(gone))
    elif what == "replace":
        versions.edit(who, membership=rng.choice(present), aliases=rng.sample(NAMES[1:], 2))
    elif what == "again":
        make.log(world.person, world.project, files={"a": b"same"}, aliases=rng.sample(NAMES[1:], 1))


class World(list):
    """The versions that were logged, and what logs them."""

    def __init__(self, person, project) -> None:
        super().__init__()
        self.person, self.project = person, project


@pytest.mark.parametrize("seed", range(6))
def test_every_moment_is_answered_as_it_was(people, project, bob, seed):
    rng, world, seen = random.Random(seed), World(people.bob, project), []
    first = make.log(people.bob, project, aliases=["production"])
    for _ in range(40):
        act(rng, world, bob, first.collection)
        seen.append((timezone.now(), held(first.collection)))
    for at, truth in seen:
        assert alias_history.held_at(first.collection, NAMES, at) == truth
        assert {
            name: number
            for name in NAMES
            if (number := alias_history.held_at(first.collection, [name], at).get(name)) is not None
        } == truth


def test_a_commit_writes_nothing_of_latest_and_one_row_for_each_other_alias(people, project):
    make.log(people.bob, project)
    newest = make.log(people.bob, project, aliases=["production", "latest"])
    assert told(newest.collection) == [("production", 1, "move")]


def test_the_history_says_who_why_and_through_what(people, project, bob):
    one, two = (make.log(people.bob, project) for _ in range(2))
    aliases.move(bob, membership=one, name="production", reason="Better on scratches.", promotion=7)
    aliases.move(bob, membership=two, name="production")
    aliases.remove(bob, collection=two.collection, name="production", reason="x" * 5000)
    rows = list(AliasMove.objects.order_by("pk"))
    assert [(row.number, row.how, row.promotion_id) for row in rows] == [
        (0, "move", 7),
        (1, "move", None),
        (None, "remove", None),
    ]
    assert {(row.actor_id, row.actor_name) for row in rows} == {(people.bob.pk, people.bob.username)}
    assert rows[0].reason == "Better on scratches."
    assert len(rows[2].reason) == alias_moves.LONGEST_REASON


def test_what_did_not_move_is_not_written(people, project, bob):
    one = make.log(people.bob, project, aliases=["production"])
    aliases.move(bob, membership=one, name="production")
    assert told(one.collection) == [("production", 0, "move")]


def test_the_trash_takes_aliases_and_gives_them_back(people, project, bob):
    make.log(people.bob, project)
    two = make.log(people.bob, project, aliases=["production"])
    versions.delete(bob, membership=two, delete_aliases=True)
    trash.restore(bob, membership=two)
    assert sorted(told(two.collection), key=str) == sorted(
        [
            ("production", 1, "move"),
            ("production", None, "delete"),
            ("latest", None, "delete"),
            ("latest", 0, "fall"),
            ("production", 1, "restore"),
            ("latest", 1, "restore"),
        ],
        key=str,
    )


def test_an_expiry_is_told_as_one(people, project, monkeypatch):
    one = make.log(people.bob, project, ttl=60, aliases=["production"])
    later = timezone.now() + timedelta(minutes=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert retention.expire_due() == 1
    assert ("production", None, "expire") in told(one.collection)
    assert {row.actor_name for row in AliasMove.objects.filter(how="expire")} == {"strongroom"}


def test_a_whole_collection_that_goes_and_comes_back_keeps_its_history(people, project, bob):
    one = make.log(people.bob, project, aliases=["production"])
    before = timezone.now()
    collections.delete(bob, collection=one.collection, delete_aliases=True)
    during = timezone.now()
    collections.restore(bob, collection=Collection.objects.get(pk=one.collection_id))
    after = timezone.now()
    answers = [alias_history.held_at(one.collection, NAMES, at) for at in (before, during, after)]
    assert answers == [{"latest": 0, "production": 0}, {}, {"latest": 0, "production": 0}]


def test_links_have_their_own_history_of_latest_too_and_it_outlives_them():
    w = promoting.world(protect=False)
    place = w.candidate.collection
    assert sorted(told(place)) == [("latest", 0, "move"), ("latest", 1, "move"), ("production", 0, "move")]
    at = timezone.now()
    links.unlink(w.alice, membership=w.candidate)
    links.unlink(w.alice, membership=w.holder)
    of_latest = [(number, how) for name, number, how in told(place) if name == "latest"]
    assert of_latest == [(0, "move"), (1, "move"), (None, "unlink"), (0, "fall"), (None, "unlink")]
    assert told(place)[-1][1:] == (None, "unlink")
    assert ("production", None, "unlink") in told(place)
    with pytest.raises(Gone, match=r"defects:production@.* was v0\. It was unlinked since"):
        versions.find(w.alice, place, f"production@{stamp(at)}")
    with pytest.raises(Gone, match=r"defects:latest@.* was v1\. It was unlinked since"):
        versions.find(w.alice, place, f"latest@{stamp(at)}")


def test_an_alias_on_a_date_finds_what_held_it_then(people, project, bob):
    one = make.log(people.bob, project, aliases=["production"])
    at = timezone.now()
    two = make.log(people.bob, project, aliases=["production"])
    assert versions.find(bob, one.collection, f"production@{stamp(at)}") == one
    assert versions.find(bob, one.collection, f"latest@{stamp(at)}") == one
    assert versions.find(bob, one.collection, f"production@{at:%Y-%m-%d}") == two
    path = f"{one.qualified_name.rpartition(':')[0]}:production@{stamp(at)}"
    assert versions.lookup(bob, path) == one


def test_a_day_means_its_end_in_utc(people, project, bob):
    one, two = (make.log(people.bob, project) for _ in range(2))
    evening, night = (
        datetime.fromisoformat("2026-05-01T23:59:00Z"),
        datetime.fromisoformat("2026-05-02T00:00:00Z"),
    )
    for at, row in ((evening, one), (night, two)):
        AliasMove.objects.create(collection=one.collection, name="prod", at=at, number=row.number, how="move")
    assert versions.find(bob, one.collection, "prod@2026-05-01") == one
    assert versions.find(bob, one.collection, "prod@2026-05-02") == two


def test_nobody_held_it_then_and_why(people, project, bob):
    one = make.log(people.bob, project, aliases=["production"])
    here = one.collection
    with pytest.raises(NotFound, match="was first given on .*, to v0"):
        versions.find(bob, here, "production@2020-01-01")
    with pytest.raises(NotFound, match="resnet was made on"):
        versions.find(bob, here, "latest@2020-01-01")
    with pytest.raises(NotFound, match="resnet was made on"):
        versions.find(bob, here, "staging@2020-01-01")
    aliases.remove(bob, collection=here, name="production")
    with pytest.raises(NotFound, match="was taken away on"):
        versions.find(bob, here, f"production@{stamp(timezone.now())}")
    with pytest.raises(NotFound, match=r"Nobody held resnet:staging at [^ ]+\.$"):
        versions.find(bob, here, f"staging@{stamp(timezone.now())}")


def test_the_future_is_not_known(people, project, bob):
    one = make.log(people.bob, project, aliases=["production"])
    later = timezone.now() + timedelta(days=1)
    for when in (f"{later:%Y-%m-%d}", stamp(timezone.now() + timedelta(minutes=1))):
        with pytest.raises(InvalidReference, match="yet to come"):
            versions.find(bob, one.collection, f"production@{when}")


def test_a_holder_that_was_deleted_since_is_named(people, project, bob):
    one = make.log(people.bob, project, aliases=["production"])
    at = stamp(timezone.now())
    versions.delete(bob, membership=one, delete_aliases=True)
    with pytest.raises(Gone, match=r"was v0\. resnet:v0 is in the trash") as caught:
        versions.find(bob, one.collection, f"production@{at}")
    assert caught.value.details["restorable"] is True
    trash.purge_due(at=timezone.now() + timedelta(days=30))
    with pytest.raises(Gone, match=r"was v0\. resnet:v0 was deleted and purged"):
        versions.find(bob, one.collection, f"production@{at}")
    assert Version.objects.filter(pk=one.version_id).exists()


def test_a_lookup_on_a_date_costs_the_same_among_many(people, project, bob):
    one = make.log(people.bob, project, aliases=["production"])

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            versions.find(bob, one.collection, f"production@{stamp(timezone.now())}")
            versions.find(bob, one.collection, f"latest@{stamp(timezone.now())}")
        return len(seen)

    few = count()
    for n in range(30):
        aliases.move(bob, membership=one, name=f"a{n}")
        aliases.move(bob, membership=make.log(people.bob, project), name="production")
    assert count() == few == 5


def test_spans_follow_each_other(people, project, bob):
    one, two = (make.log(people.bob, project) for _ in range(2))
    for row in (one, two, one):
        aliases.move(bob, membership=row, name="production")
    aliases.remove(bob, collection=one.collection, name="production")
    aliases.move(bob, membership=two, name="production")
    found = alias_history.spans(bob, one.collection, ["production", "latest"], each=50)
    assert [span.number for span in found["production"]] == [0, 1, 0, 1]
    ends = [(span.since, span.until) for span in found["production"]]
    assert ends[0][1] == ends[1][0]
    assert ends[2][1] < ends[3][0]
    assert ends[3][1] is None
    assert [(span.number, span.until is None) for span in found["latest"]] == [(0, False), (1, True)]
    assert [
        span.number for span in alias_history.spans(bob, one.collection, ["production"], each=1)["production"]
    ] == [1]


def test_the_list_is_narrowed_and_says_until_when(people, project, bob):
    one, two = (make.log(people.bob, project) for _ in range(2))
    aliases.move(bob, membership=one, name="production")
    between = timezone.now()
    aliases.move(bob, membership=two, name="production")
    aliases.move(bob, membership=two, name="staging")

    def listed(**given):
        rows = alias_history.listing(bob, collection=one.collection, **given).order_by("pk")
        return [(row.name, row.number, row.moved_on_at is None) for row in rows]

    assert listed() == [("production", 0, False), ("production", 1, True), ("staging", 1, True)]
    assert listed(alias="production", until=between) == [("production", 0, False)]
    assert listed(since=between) == [("production", 1, True), ("staging", 1, True)]


def test_who_may_not_see_the_project_is_told_nothing(people, project):
    one = make.log(people.bob, project, aliases=["production"])
    charlie = make.actor(people.charlie)
    for ask in (
        lambda: alias_history.listing(charlie, collection=one.collection),
        lambda: alias_history.spans(charlie, one.collection, ["production"], each=1),
        lambda: alias_history.lanes(charlie, one.collection, [], most=1),
    ):
        with pytest.raises(NotFound):
            ask()

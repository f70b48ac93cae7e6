"""`latest` stays with the newest version that is there: it falls back at a deletion, and rises again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import NotFound
from registry.models import Alias, ArtifactType, Collection, Event, Membership
from registry.services import aliases, collections, latest, retention, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def three(people, project):
    return [make.log(people.bob, project, files={"a": b"%d" % n}) for n in range(3)]


def delete(who, *memberships):
    for membership in memberships:
        versions.delete(who, membership=membership, delete_aliases=True)


def holder() -> str:
    return Alias.objects.get(name="latest").membership.name


def moves() -> list[tuple[str, str | None, str]]:
    rows = Event.objects.filter(act="alias.move", subject="latest").order_by("pk")
    return [(event.actor_name, event.before, event.after) for event in rows]


def test_the_newest_that_remains_is_latest_and_an_event_says_so(bob, three):
    delete(bob, three[1])
    assert (holder(), moves()) == ("resnet:v2", [])
    delete(bob, three[2])
    assert versions.find(bob, three[0].collection, "latest") == three[0]
    assert moves() == [(bob.name, "v2", "v0")]
    event = Event.objects.get(act="alias.move")
    assert (event.version_id, event.collection_id) == (three[0].version_id, three[0].collection_id)
    assert event.taken_from_id == three[2].version_id
    delete(bob, three[0])
    with pytest.raises(NotFound):
        versions.find(bob, three[0].collection, "latest")


def test_an_expiry_lets_it_fall_back_too(people, project, bob, monkeypatch):
    first = make.log(people.bob, project)
    make.log(people.bob, project, ttl=60)
    later = timezone.now() + timedelta(minutes=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert retention.expire_due() == 1
    assert holder() == first.name
    assert moves()[0][1:] == ("v1", "v0")


def test_the_newer_one_takes_it_back_when_it_is_restored(bob, three):
    delete(bob, three[2], three[1])
    assert holder() == "resnet:v0"
    assert trash.restore(bob, membership=three[1]).aliases_back == ["latest"]
    assert holder() == "resnet:v1"
    done = trash.restore(bob, membership=three[2])
    assert (done.aliases_back, done.aliases_moved_on, holder()) == (["latest"], [], "resnet:v2")
    assert [move[1:] for move in moves()] == [("v2", "v1"), ("v1", "v0"), ("v0", "v1"), ("v1", "v2")]


def test_a_version_that_never_was_latest_takes_it_when_it_is_the_newest_again(bob, three):
    delete(bob, three[1], three[2])
    assert trash.restore(bob, membership=three[1]).aliases_back == ["latest"]
    assert holder() == "resnet:v1"


def test_an_older_one_that_is_restored_leaves_it_where_it_is(bob, three):
    delete(bob, three[2], three[1])
    trash.restore(bob, membership=three[2])
    done = trash.restore(bob, membership=three[1])
    assert (done.aliases_back, done.aliases_moved_on) == ([], [("latest", "v2")])
    assert holder() == "resnet:v2"


def test_whoever_comes_back_alone_is_latest(bob, three):
    delete(bob, three[1], *(three[2], three[0]))
    assert not Alias.objects.exists()
    assert trash.restore(bob, membership=three[1]).aliases_back == ["latest"]
    assert holder() == "resnet:v1"


def test_put_elsewhere_by_a_person_it_stays_there(bob, three):
    delete(bob, three[2])
    aliases.move(bob, membership=three[0], name="latest")
    done = trash.restore(bob, membership=three[2])
    assert (done.aliases_back, done.aliases_moved_on) == ([], [("latest", "v0")])
    delete(bob, three[2])
    assert holder() == "resnet:v0"


def test_taken_away_by_a_person_it_does_not_come_by_itself(bob, three):
    aliases.remove(bob, collection=three[0].collection, name="latest")
    delete(bob, three[2])
    assert not Alias.objects.exists()
    trash.restore(bob, membership=three[2])
    assert not Alias.objects.exists()
    assert latest.of(three[0].collection) is None


@pytest.mark.parametrize("by_hand", [0, 2])
def test_a_collection_comes_back_with_it_where_it_was_whatever_the_batches(bob, three, by_hand, monkeypatch):
    monkeypatch.setattr("registry.services.trashing.BATCH", 2)
    aliases.move(bob, membership=three[by_hand], name="latest")
    before = moves()
    collections.delete(bob, collection=three[0].collection, delete_aliases=True)
    collections.restore(bob, collection=three[0].collection)
    assert (holder(), moves()) == (f"resnet:v{by_hand}", before)


def test_links_fall_back_and_rise_in_their_own_collection(people, project, bob, three):
    kind = ArtifactType.objects.get(name="model")
    shelf = Collection.objects.create(
        project=project, type=kind, name="shelf", kind="portfolio", next_number=2, version_count=2
    )
    for number, source in enumerate((three[2], three[0])):
        link = Membership.objects.create(collection=shelf, version=source.version, number=number)
    Alias.objects.create(collection=shelf, membership=link, name="latest")
    delete(bob, three[0])
    held = dict(Alias.objects.filter(name="latest").values_list("collection__name", "membership__number"))
    assert held == {"resnet": 2, "shelf": 0}
    trash.restore(bob, membership=three[0])
    held = dict(Alias.objects.filter(name="latest").values_list("collection__name", "membership__number"))
    assert held == {"resnet": 2, "shelf": 1}

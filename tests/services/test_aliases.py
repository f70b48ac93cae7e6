"""Aliases: one holder, an event for each move."""

from __future__ import annotations

import unicodedata

import pytest
from django.utils import timezone

from registry.errors import Forbidden, InvalidAlias, NotFound
from registry.models import Alias, Event
from registry.services import aliases, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, files={"a": b"0"})


@pytest.fixture
def v1(people, project, v0):
    return make.log(people.bob, project, files={"a": b"1"})


def told(act: str) -> list[tuple]:
    rows = Event.objects.filter(act=act).order_by("id")
    return [(row.subject, row.before, row.after) for row in rows]


def test_moving_an_alias_keeps_one_holder_and_tells_from_where_to_where(bob, v0, v1):
    assert aliases.move(bob, membership=v0, name="gold").membership == v0
    moved = aliases.move(bob, membership=v1, name="gold")
    assert (moved.membership, moved.created_by) == (v1, bob.user)
    assert list(aliases.listing(bob, collection=v0.collection).values_list("name", "membership__number")) == [
        ("gold", 1),
        ("latest", 1),
    ]
    assert told("alias.move") == [("gold", None, "v0"), ("gold", "v0", "v1")]


def test_a_moved_alias_was_set_now(bob, v0, v1):
    before = timezone.now()
    aliases.move(bob, membership=v1, name="gold")
    aliases.move(bob, membership=v0, name="gold")
    assert Alias.objects.get(name="gold").created_at >= before


def test_setting_an_alias_where_it_is_does_nothing(bob, v0):
    aliases.move(bob, membership=v0, name="gold")
    aliases.move(bob, membership=v0, name="gold")
    assert len(told("alias.move")) == 1


def test_the_same_alias_in_two_collections_is_two_aliases(people, project, bob, v0):
    other = make.log(people.bob, project, "vgg")
    aliases.move(bob, membership=v0, name="gold")
    aliases.move(bob, membership=other, name="gold")
    assert Alias.objects.filter(name="gold").count() == 2


def test_latest_moves_to_each_new_version_and_may_be_moved_by_hand(people, project, bob, v0, v1):
    aliases.move(bob, membership=v0, name="latest")
    again = make.log(people.bob, project, files={"a": b"0"})
    assert again == v0
    newer = make.log(people.bob, project, files={"a": b"1"})
    assert newer.number == 2
    assert Alias.objects.get(name="latest").membership == newer


@pytest.mark.parametrize(
    "name", ["v3", "v0", "v00", "", " ", "a/b", "a:b", "a\n", "\u200bx", "x" * 129, "gold ", 7, None]
)
def test_an_alias_outside_the_rules_is_refused(bob, v0, name):
    with pytest.raises(InvalidAlias):
        aliases.move(bob, membership=v0, name=name)
    assert not told("alias.move")


def test_an_alias_is_kept_in_one_form_however_it_was_typed(bob, v0, v1):
    typed = unicodedata.normalize("NFD", "café")
    aliases.move(bob, membership=v0, name=typed)
    aliases.move(bob, membership=v1, name="café")
    assert Alias.objects.get(name="café").membership == v1
    aliases.remove(bob, collection=v0.collection, name=typed)
    assert Alias.objects.count() == 1


def test_removing_an_alias_tells_who_held_it(bob, v0):
    aliases.move(bob, membership=v0, name="gold")
    aliases.remove(bob, collection=v0.collection, name="gold")
    assert told("alias.remove") == [("gold", "v0", None)]
    with pytest.raises(NotFound):
        aliases.remove(bob, collection=v0.collection, name="gold")


def test_replacing_the_list_moves_adds_and_removes(bob, v0, v1):
    versions.edit(bob, membership=v0, aliases=["gold", "silver"])
    versions.edit(bob, membership=v1, aliases=["silver", "bronze"])
    held = Alias.objects.order_by("name").values_list("name", "membership__number")
    assert list(held) == [("bronze", 1), ("gold", 0), ("latest", 1), ("silver", 1)]
    versions.edit(bob, membership=v1, aliases=["silver"])
    assert told("alias.remove") == [("bronze", "v1", None)]


def test_a_list_that_leaves_latest_out_leaves_it_where_it_is(bob, v0, v1):
    versions.edit(bob, membership=v1, aliases=[])
    assert Alias.objects.get(name="latest").membership == v1
    aliases.remove(bob, collection=v1.collection, name="latest")
    assert not Alias.objects.filter(name="latest").exists()


def test_viewers_move_no_aliases(people, v0):
    vera = make.actor(people.vera)
    with pytest.raises(Forbidden):
        aliases.move(vera, membership=v0, name="gold")
    with pytest.raises(Forbidden):
        aliases.remove(vera, collection=v0.collection, name="latest")
    assert aliases.listing(vera, collection=v0.collection).count() == 1
    with pytest.raises(NotFound):
        aliases.listing(make.actor(people.charlie), collection=v0.collection)


def test_an_alias_is_filtered_by_whatever_way_its_letters_are_written(bob, v0):
    aliases.move(bob, membership=v0, name="caf\u00e9")
    for spelling in ("caf\u00e9", "cafe\u0301"):
        assert list(versions.listing(bob, collection=v0.collection, alias=spelling)) == [v0]
        assert list(versions.listing(bob, collection=v0.collection, q=spelling)) == [v0]

"""What is found by its exact name: versions, and who holds an alias or a tag."""

from __future__ import annotations

import pytest

from registry.services import aliases, collections, search, versions
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def made(people):
    place = factories.project(people, "vision")
    one = factories.log(people.alice, place, "digits", {"a": b"1"}, tags=["second pass"])
    two = factories.log(people.alice, place, "digits", {"a": b"2"})
    aliases.move(factories.actor(people.alice), membership=one, name="gold")
    return [one, two]


def found(who, q):
    return [row.name for row in search.versions(factories.actor(who), q)]


@pytest.mark.parametrize("above", ["", "vision/"])
def test_a_version_is_found_by_its_collection_and_its_number_or_alias(people, made, above):
    assert found(people.bob, f"{above}digits:v1") == ["digits:v1"]
    assert found(people.bob, f"{above}digits:gold") == ["digits:v0"]
    assert found(people.bob, f"{above}digits:v7") == []
    assert found(people.bob, f"{above}digit:v1") == []
    assert found(people.bob, "elsewhere/digits:v1") == []


def test_an_alias_or_a_tag_is_found_in_full_only(people, made):
    assert found(people.bob, "gold") == ["digits:v0"]
    assert found(people.bob, "second pass") == ["digits:v0"]
    assert found(people.bob, "gol") == []


def test_what_one_may_not_see_and_what_is_deleted_is_not_found(people, made):
    for q in ("digits:v1", "gold"):
        assert found(people.charlie, q) == []
    versions.delete(factories.actor(people.alice), membership=made[0], delete_aliases=True)
    assert found(people.bob, "digits:v0") == []


@pytest.mark.parametrize("q", [":", "a:", ":v1", "a/b/c/d:v1", "x" * 256, "digits:v" + "9" * 200])
def test_odd_words_find_nothing(people, made, q):
    assert found(people.bob, q) == []


def test_what_cards_of_collections_say_is_found_with_the_words_around_it(people):
    alice, project = factories.actor(people.alice), factories.project(people)
    card = "A long beginning. " * 20 + "Trained on Galvanised\nstrip by the night shift." + " An end." * 40
    told = collections.create(alice, project=project, name="plain", type="model", description=card)
    collections.create(alice, project=project, name="galvanised", type="model", description="galvanised")
    found = search.by_name(alice, "galvanised", limit=5)
    assert [row.name for row in found.collections] == ["galvanised"]
    assert found.described == [told]
    assert "Trained on Galvanised\nstrip" in found.described[0].excerpt
    assert len(found.described[0].excerpt) == 160
    assert not search.described(factories.actor(people.charlie), "galvanised").exists()
    assert not search.described(alice, "100%").exists()

"""What is found by its name, and by the words of cards and metadata."""

from __future__ import annotations

import pytest
from django.db.models import Q

from registry.models import words
from registry.services import aliases, collections, projects, search, versions
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
    return [row.name for row in search.versions(factories.actor(who), q)[:20]]


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
    [part] = search.first(alice, "galvanised", limit=5).parts
    assert (part.kind, part.rows, part.more) == ("cards", [told], False)
    assert "Trained on Galvanised\nstrip" in part.rows[0].excerpt
    assert len(part.rows[0].excerpt) == 160
    assert search.cards(factories.actor(people.charlie), "galvanised")[:1] == []
    assert search.cards(alice, "100%")[:1] == []


def said(who, q):
    return [row.name for row in search.contents(factories.actor(who), q)[:9]]


@pytest.fixture
def told(people):
    place = factories.project(people, "optics")
    metadata = {"train": {"optimizer": "AdamW", "rates": [0.913, None, True]}, "note": "Straße, e\u0301tude"}
    return factories.log(
        people.alice, place, "lenses", {"a": b"1"}, description="Ground *by hand*", metadata=metadata
    )


@pytest.mark.parametrize(
    "q", ["adamw", "ADAM", "0.913", "hand ground", "gro ada", "STRASSE", "\u00e9tude", "adamw!!!", "913"]
)
def test_versions_are_found_by_words_of_their_card_and_metadata(people, told, q):
    assert said(people.bob, q) == ["lenses:v0"]
    assert said(people.charlie, q) == []


@pytest.mark.parametrize(
    "q", ["damw", "optimizer", "true", "none", "adamw zebra", "", "'", '"', "* OR a", "NEAR(a b)", "%", "_"]
)
def test_what_no_word_begins_with_is_not_found(people, told, q):
    assert said(people.bob, q) == []


def test_what_was_edited_is_found_as_it_is_now(people, told):
    alice = factories.actor(people.alice)
    versions.edit(alice, membership=told, description="Polished")
    assert (said(people.bob, "ground"), said(people.bob, "polished adamw")) == ([], ["lenses:v0"])
    versions.edit(alice, membership=told, metadata={"optimizer": "sgd"})
    assert (said(people.bob, "adamw"), said(people.bob, "polished sgd")) == ([], ["lenses:v0"])
    versions.delete(alice, membership=told, delete_aliases=True)
    assert said(people.bob, "sgd") == []


def test_tags_of_collections_are_found_by_their_words(people, told):
    alice = factories.actor(people.alice)
    collections.edit(alice, collection=told.collection, tags=["night shift"])
    assert search.cards(alice, "shift")[:5] == [told.collection]
    collections.edit(alice, collection=told.collection, tags=[])
    assert search.cards(alice, "shift")[:5] == []


def test_a_card_of_a_thousand_pages_fills_no_index(people):
    texts = [f"word{number} " * 3 for number in range(5000)]
    assert words.distinct(texts) == [f"word{number}" for number in range(2000)]
    assert words.distinct(["a" * 1000]) == ["a" * 64]
    assert words.distinct(["x " * words._MOST_CHARACTERS, "beyond"]) == ["x"]


def test_deep_metadata_is_walked_without_a_deep_stack():
    deep = {"end": "bottom"}
    for _ in range(5000):
        deep = {"a": [deep]}
    assert list(words.of_values(deep)) == ["bottom"]


def test_what_many_others_have_is_passed_over_in_growing_parts(people, monkeypatch):
    alice, charlie = factories.project(people, "large"), factories.actor(people.charlie)
    other = projects.create(charlie, entity=people.charlie.entity, name="small")
    mine = factories.log(people.charlie, other, "mine", {"a": b"1"}, description="common", aliases=["same"])
    for number in range(30):
        factories.log(
            people.alice, alice, f"c{number}", {"a": b"%d" % number}, description="common", aliases=["same"]
        )
    for _ in range(2):
        assert search.contents(charlie, "common")[:2] == [mine]
        assert search.versions(charlie, "same")[:2] == [mine]
        # Who sees many projects does not name them: the index is passed through.
        monkeypatch.setattr(search, "_FEW", 0)


def test_results_go_on_where_a_page_ended(people):
    place, actor = factories.project(people), factories.actor(people.alice)
    made = [
        factories.log(people.alice, place, f"c{at}", {"a": b"%d" % at}, description="common")
        for at in range(5)
    ]
    rows = search.contents(actor, "common")
    assert rows.filter(Q(pk__lt=made[3].pk))[:2] == [made[2], made[1]]
    assert rows.order_by("pk").filter(Q(pk__gt=made[3].pk))[:2] == [made[4]]

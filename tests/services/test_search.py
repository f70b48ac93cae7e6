"""What is found by its name, and by the words of cards and metadata."""

from __future__ import annotations

import pytest
from django.db.models import Q

from registry.models import Membership, words
from registry.services import aliases, collections, projects, restoring, search, tags, versions
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
    return [row.name for row in search.listing(factories.actor(who), "versions", q)[:20]]


@pytest.mark.parametrize("above", ["", "vision/"])
def test_a_version_is_found_by_its_collection_and_its_number_or_alias(people, made, above):
    assert found(people.bob, f"{above}digits:v1") == ["digits:v1"]
    assert found(people.bob, f"{above}digits:gold") == ["digits:v0"]
    assert found(people.bob, f"{above}digits:v7") == []
    assert found(people.bob, f"{above}digit:v1") == []
    assert found(people.bob, "elsewhere/digits:v1") == []


def test_an_alias_or_a_tag_is_found_by_its_beginning(people, made):
    for q in ("gold", "gol", "second pass", "pass", "digits:gol"):
        assert found(people.bob, q) == ["digits:v0"]
    assert found(people.bob, "old") == []
    assert found(people.bob, "digits:old") == []


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
    assert search.listing(factories.actor(people.charlie), "cards", "galvanised")[:1] == []
    assert search.listing(alice, "cards", "100%")[:1] == []


def said(who, q):
    return [row.name for row in search.listing(factories.actor(who), "contents", q)[:9]]


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
    "q",
    ["damw", "ad", "optimizer", "true", "none", "adamw zebra", "", "'", '"', "* OR a", "NEAR(a b)", "%", "_"],
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
    assert search.listing(alice, "cards", "shift")[:5] == [told.collection]
    collections.edit(alice, collection=told.collection, tags=[])
    assert search.listing(alice, "cards", "shift")[:5] == []


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
        assert search.listing(charlie, "contents", "common")[:2] == [mine]
        assert search.listing(charlie, "versions", "same")[:2] == [mine]
        # Who sees many projects does not name them: the index is passed through.
        monkeypatch.setattr(search, "_FEW", 0)


def test_results_go_on_where_a_page_ended(people):
    place, actor = factories.project(people), factories.actor(people.alice)
    made = [
        factories.log(people.alice, place, f"c{at}", {"a": b"%d" % at}, description="common")
        for at in range(5)
    ]
    rows = search.listing(actor, "contents", "common")
    assert rows.filter(Q(pk__lt=made[3].pk))[:2] == [made[2], made[1]]
    assert rows.order_by("pk").filter(Q(pk__gt=made[3].pk))[:2] == [made[4]]


@pytest.fixture
def swept(people):
    alice, place = factories.actor(people.alice), factories.project(people, "welding")
    projects.edit(alice, project=place, description="Everything about Galvanised steel")
    rows = [factories.log(people.alice, place, "sweep-model", {"a": b"%d" % at}) for at in range(3)]
    factories.log(people.alice, place, "MLTrainSplits.v2_old", {"a": b"9"}, description="Cut by hand")
    aliases.move(alice, membership=rows[1], name="production")
    return rows


def names(who, kind, q):
    return [row.name for row in search.listing(factories.actor(who), kind, q)[:20]]


@pytest.mark.parametrize(
    "q",
    ["sweep model", "model sweep", "sweep-model", "SWEEP", "swe mod", "weep", "welding sweep", "odel wel"],
)
def test_collections_are_found_by_the_words_of_their_names_and_of_their_project(people, swept, q):
    assert names(people.bob, "collections", q) == ["sweep-model"]
    assert names(people.charlie, "collections", q) == []


@pytest.mark.parametrize("q", ["train splits", "ML old", "v2", "mltrainsplits", "splits v2", "TrainSplits"])
def test_names_are_cut_where_their_case_changes(people, swept, q):
    assert names(people.bob, "collections", q) == ["MLTrainSplits.v2_old"]


@pytest.mark.parametrize("q", ["sweep zebra", "welding", "-", "", "odels"])
def test_a_name_is_found_with_all_words_and_one_of_its_own(people, swept, q):
    assert names(people.bob, "collections", q) == []


def test_versions_are_found_by_words_of_their_name_with_the_beginning_of_an_alias_or_tag(people, swept):
    alice = factories.actor(people.alice)
    assert names(people.bob, "versions", "sweep-model latest") == ["sweep-model:v2"]
    assert names(people.bob, "versions", "prod") == ["sweep-model:v1"]
    assert names(people.bob, "versions", "welding sweep v1") == ["sweep-model:v1"]
    assert names(people.bob, "versions", "sweep-model:lat") == ["sweep-model:v2"]
    tags.add(alice, membership=swept[0], name="night shift")
    assert names(people.bob, "versions", "shift model") == ["sweep-model:v0"]
    tags.remove(alice, membership=swept[0], name="night shift")
    assert names(people.bob, "versions", "shift model") == []
    assert names(people.bob, "versions", "sweep-model") == []
    assert names(people.charlie, "versions", "lat") == []


def test_cards_are_found_with_words_of_names(people, swept):
    collections.edit(
        factories.actor(people.alice), collection=swept[0].collection, description="Ground glass"
    )
    assert names(people.bob, "cards", "glass sweep welding") == ["sweep-model"]
    assert names(people.bob, "cards", "sweep") == []
    assert names(people.bob, "contents", "hand train welding") == ["MLTrainSplits.v2_old:v0"]


def test_projects_are_found_by_their_description(people, swept):
    [found] = search.listing(factories.actor(people.bob), "projects", "galvan welding")[:5]
    assert (found.name, "Galvanised" in found.excerpt) == ("welding", True)
    assert names(people.charlie, "projects", "galvanised") == []
    assert list(projects.listing(factories.actor(people.bob), q="galvanised")) == [found]


def test_aliases_are_found_where_they_are_by_now(people, swept):
    alice = factories.actor(people.alice)
    aliases.move(alice, membership=swept[2], name="production")
    assert names(people.bob, "versions", "prod") == ["sweep-model:v2"]
    aliases.remove(alice, collection=swept[2].collection, name="production")
    assert names(people.bob, "versions", "prod") == []
    versions.delete(alice, membership=swept[2], delete_aliases=True)
    assert names(people.bob, "versions", "lat model") == ["sweep-model:v1"]
    restoring.restore(alice, membership=Membership.objects.get(pk=swept[2].pk))
    assert names(people.bob, "versions", "lat model") == ["sweep-model:v2"]
    versions.edit(alice, membership=swept[0], aliases=["candidate"])
    assert names(people.bob, "versions", "cand") == ["sweep-model:v0"]


def test_what_was_renamed_is_found_by_its_new_name(people, swept):
    alice, held = factories.actor(people.alice), swept[0].collection
    collections.edit(alice, collection=held, name="broom")
    assert names(people.bob, "collections", "sweep") == []
    assert names(people.bob, "versions", "broom lat") == ["broom:v2"]
    assert names(people.bob, "versions", "sweep lat") == []
    projects.edit(alice, project=held.project, name="optics")
    assert names(people.bob, "versions", "broom lat optics") == ["broom:v2"]
    assert names(people.bob, "versions", "broom lat welding") == []
    assert names(people.bob, "projects", "optics") == ["optics"]


def test_a_version_that_is_named_in_full_goes_before_those_that_begin_so(people, swept):
    alice = factories.actor(people.alice)
    aliases.move(alice, membership=swept[0], name="production-old")
    assert names(people.bob, "versions", "sweep-model:prod") == ["sweep-model:v1", "sweep-model:v0"]
    assert search.exact(alice, "sweep-model:production") == swept[1]
    assert search.exact(alice, "sweep-model:prod") is None
    assert search.exact(alice, "sweep-model:v2") == swept[2]
    assert search.exact(alice, "sweep-model") is None
    assert search.exact(factories.actor(people.charlie), "sweep-model:v2") is None


def test_a_collection_is_listed_by_the_parts_of_its_name(people, swept):
    bob, place = factories.actor(people.bob), swept[0].collection.project
    for q in ("sweep model", "model-SWEEP", "eep od"):
        assert list(collections.listing(bob, project=place, q=q)) == [swept[0].collection]
        assert list(collections.everywhere(bob, q=q)) == [swept[0].collection]
    assert list(collections.listing(bob, project=place, q="sweep zebra")) == []
    assert list(collections.listing(bob, project=place, q="-")) == [swept[0].collection]

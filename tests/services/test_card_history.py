"""What cards said before is kept, and what a registry asks of them is set by its admins."""

from __future__ import annotations

import pytest

from registry.actor import system
from registry.errors import ChangedMeanwhile, Forbidden, InvalidInput, NotFound
from registry.models import CardRevision, Event, Project
from registry.services import card_history, card_templates, collections, registries, trash, versions
from registry.services.seen import mark
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return make.people()


@pytest.fixture
def version(people):
    return make.log(people.bob, make.project(people), description="one\n")


@pytest.fixture
def registry(people) -> Project:
    return registries.create(system("command"), organization=people.organization, name=make.unique("models"))


def texts(actor, card) -> list[str]:
    return [row.text for row in card_history.listing(actor, card=card).order_by("pk")]


def test_a_card_that_nobody_edits_has_no_revisions(people, version):
    versions.edit(make.actor(people.bob), membership=version, metadata={"a": 1}, description="one\n")
    assert texts(make.actor(people.bob), version) == []


def test_each_text_is_kept_with_who_wrote_it_and_when(people, version):
    bob, alice = make.actor(people.bob), make.actor(people.alice)
    versions.edit(alice, membership=version, description="two\n")
    versions.edit(bob, membership=version, description="three\n")
    rows = list(card_history.listing(bob, card=version).order_by("pk"))
    assert [(row.text, row.written_by) for row in rows] == [
        ("one\n", people.bob),
        ("two\n", people.alice),
        ("three\n", people.bob),
    ]
    assert rows[0].written_at == version.version.created_at
    found, before = card_history.find(bob, card=version, revision=rows[1].pk)
    assert (found.text, before) == ("two\n", "one\n")
    assert card_history.find(bob, card=version, revision=rows[0].pk)[1] == ""


def test_what_was_written_before_revisions_were_kept_has_no_writer(people, version):
    bob = make.actor(people.bob)
    versions.edit(bob, membership=version, description="two\n")
    CardRevision.objects.all().delete()
    versions.edit(bob, membership=version, description="three\n")
    first = card_history.listing(bob, card=version).order_by("pk")[0]
    assert (first.text, first.written_by, first.written_at) == ("two\n", None, None)


def test_cards_of_collections_are_kept_as_well(people, version):
    bob = make.actor(people.bob)
    collections.edit(bob, collection=version.collection, description="all of them")
    assert texts(bob, version.collection) == ["", "all of them"]


def test_strangers_see_no_card_and_no_card_has_anothers_revisions(people, version):
    bob = make.actor(people.bob)
    versions.edit(bob, membership=version, description="two\n")
    other = make.log(people.bob, version.collection.project, name="other", description="x")
    row = card_history.listing(bob, card=version)[0]
    with pytest.raises(NotFound):
        card_history.listing(make.actor(people.charlie), card=version)
    with pytest.raises(NotFound):
        card_history.find(bob, card=other, revision=row.pk)


def test_a_purge_takes_the_revisions_with_it(people, version):
    bob = make.actor(people.bob)
    versions.edit(bob, membership=version, description="secret")
    versions.delete(bob, membership=version, delete_aliases=True)
    version.version.refresh_from_db()
    trash.purge(make.actor(people.alice), rows=[version])
    assert not CardRevision.objects.exists()


def test_a_registry_asks_for_sections(people, registry):
    operator = system("command")
    assert card_templates.required_of(registry) == []
    card_templates.set_template(operator, project=registry, text="# Use\n", required=["Use", "use", "Data"])
    assert card_templates.required_of(registry) == ["Use", "Data"]
    card_templates.set_template(operator, project=registry, required=["Use"])
    assert card_templates.of(operator, registry).text == "# Use\n"
    told = Event.objects.filter(act="card_template.set").order_by("pk")
    assert [event.after for event in told] == [
        {"text": "# Use\n", "required": ["Use", "Data"]},
        {"required": ["Use"]},
    ]


def test_only_admins_of_a_registry_set_its_template_and_only_registries_have_one(people, registry):
    with pytest.raises((Forbidden, NotFound)):
        card_templates.set_template(make.actor(people.olga), project=registry, text="x")
    with pytest.raises(InvalidInput):
        card_templates.set_template(make.actor(people.alice), project=make.project(people), text="x")


def test_two_who_set_a_template_do_not_lose_each_others(people, registry):
    operator = system("command")
    card_templates.set_template(operator, project=registry, text="theirs")
    with pytest.raises(ChangedMeanwhile):
        card_templates.set_template(operator, project=registry, text="mine", seen={"text": mark("")})
    assert card_templates.of(operator, registry).text == "theirs"

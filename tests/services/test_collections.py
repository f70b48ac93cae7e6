"""Collections: found, listed, renamed, given another type, deleted and brought back."""

from __future__ import annotations

import pytest
from django.db import connection

from registry.errors import (
    Conflict,
    Forbidden,
    HasAliases,
    InvalidInput,
    InvalidName,
    InvalidTag,
    NameTaken,
    NotFound,
    ReservedType,
    TypeMismatch,
)
from registry.models import Alias, Collection, Event, Membership
from registry.services import aliases, collections, drafts, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, files={"a": b"0"}, aliases=["gold"])


def test_an_empty_collection_is_made_listed_and_logged_to(people, project, bob):
    made = collections.create(bob, project=project, name="digits", type="dataset", description="# Digits")
    assert list(collections.listing(bob, project=project)) == [made]
    assert make.log(people.bob, project, "digits", type="dataset").number == 0
    with pytest.raises(NameTaken):
        collections.create(bob, project=project, name="digits", type="dataset")


def test_a_collection_of_a_mere_draft_is_seen_by_nobody_and_may_be_made(project, bob):
    drafts.begin(bob, project=project, collection="digits", type="dataset")
    assert not collections.listing(bob, project=project).exists()
    assert not collections.types(bob, project=project).exists()
    with pytest.raises(NotFound):
        collections.find(bob, project, "digits")
    collections.create(bob, project=project, name="digits", type="dataset")
    assert collections.find(bob, project, "digits").type.name == "dataset"


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "a\n", "..", "x" * 129, "a:b", None])
def test_a_name_outside_the_rules_is_refused(project, bob, name):
    with pytest.raises(InvalidName):
        collections.create(bob, project=project, name=name, type="model")


@pytest.mark.parametrize(
    ("type", "name"), [("job", "x"), ("wandb-x", "x"), ("run_table", "run-1"), ("code", "source-1")]
)
def test_a_reserved_type_is_refused(project, bob, v0, type, name):
    with pytest.raises(ReservedType):
        collections.create(bob, project=project, name=name, type=type)
    with pytest.raises(ReservedType):
        collections.edit(bob, collection=v0.collection, name=name, type=type)


def test_collections_are_listed_by_type_name_and_tag_without_regard_to_case(people, project, bob, v0):
    make.log(people.bob, project, "digits", type="dataset")
    collections.edit(bob, collection=v0.collection, tags=["vision"])

    def names(**wanted):
        return sorted(row.name for row in collections.listing(bob, project=project, **wanted))

    assert (names(), names(type="dataset"), names(q="RES"), names(tag="vision"), names(q="%")) == (
        ["digits", "resnet"],
        ["digits"],
        ["resnet"],
        ["resnet"],
        [],
    )
    counted = [(t.name, t.collection_count) for t in collections.types(bob, project=project)]
    assert counted == [("dataset", 1), ("model", 1)]


def test_an_edit_changes_what_is_given_and_tells_it_once(bob, v0):
    edited = collections.edit(
        bob, collection=v0.collection, name="vgg", description="# VGG", tags=["a", "a"], type="network"
    )
    assert (edited.name, edited.description, edited.type.name) == ("vgg", "# VGG", "network")
    event = Event.objects.get(act="collection.edit")
    assert event.before == {"name": "resnet", "description": "", "type": "model", "tags": []}
    assert event.after == {"name": "vgg", "description": "# VGG", "type": "network", "tags": ["a"]}
    collections.edit(bob, collection=edited, name="vgg", tags=["a"], type="network")
    assert Event.objects.filter(act="collection.edit").count() == 1


def test_a_renamed_collection_keeps_its_versions_and_frees_its_name(people, project, bob, v0):
    collections.edit(bob, collection=v0.collection, name="vgg")
    assert versions.find(bob, collections.find(bob, project, "vgg"), "gold") == v0
    with pytest.raises(NotFound):
        collections.find(bob, project, "resnet")
    assert make.log(people.bob, project, "resnet").number == 0


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"name": "a/b"}, InvalidName), ({"tags": ["a/b"]}, InvalidTag), ({"description": 7}, InvalidInput)],
)
def test_an_edit_with_one_wrong_part_changes_nothing(bob, v0, wrong, error):
    with pytest.raises(error):
        collections.edit(bob, collection=v0.collection, **{"description": "new", "tags": ["new"], **wrong})
    found = Collection.objects.get(pk=v0.collection_id)
    assert (found.name, found.description, found.tags.count()) == ("resnet", "", 0)


def test_renaming_onto_a_taken_name_changes_nothing(people, project, bob, v0):
    make.log(people.bob, project, "vgg")
    with pytest.raises(NameTaken):
        collections.edit(bob, collection=v0.collection, name="vgg", tags=["lost"])
    assert collections.find(bob, project, "resnet").tags.count() == 0


def test_a_draft_of_one_type_is_not_committed_into_a_collection_of_another(people, project, bob):
    """Two drafts of one new name with two types: the first commit settles the type."""

    def draft(type, content):
        begun, _ = drafts.begin(bob, project=project, collection="new", type=type)
        drafts.stage(bob, draft=begun, lines=make.manifest_lines({"a": content}))
        make.send(bob, begun, {"a": content})
        return begun

    model, dataset = draft("model", b"1"), draft("dataset", b"2")
    first = drafts.commit(bob, draft=model).membership
    assert collections.find(bob, project, "new").type.name == "model"
    with pytest.raises(TypeMismatch, match='"model"'):
        drafts.commit(bob, draft=dataset)
    assert list(Membership.objects.all()) == [first]


def test_deleting_a_collection_moves_its_versions_to_the_trash(people, project, bob, v0):
    make.log(people.bob, project, files={"a": b"1"})
    with pytest.raises(HasAliases) as refused:
        collections.delete(bob, collection=v0.collection)
    assert sorted(refused.value.details["aliases"]) == ["gold", "latest"]
    assert refused.value.message.endswith("or confirm that they go too.")
    collections.delete(bob, collection=v0.collection, delete_aliases=True)
    with pytest.raises(NotFound):
        collections.find(bob, project, "resnet")
    assert not Alias.objects.exists()
    assert trash.listing(bob, project=project).count() == 2
    acts = Event.objects.filter(act__in=["collection.delete", "version.delete"]).values_list("act", flat=True)
    assert sorted(acts) == ["collection.delete", "version.delete", "version.delete"]
    with pytest.raises(NotFound):
        collections.delete(bob, collection=v0.collection)


def test_restoring_a_version_brings_its_deleted_collection_back(people, project, bob, v0):
    v1 = make.log(people.bob, project, files={"a": b"1"})
    collections.delete(bob, collection=v0.collection, delete_aliases=True)
    done = trash.restore(bob, membership=versions.find_deleted(bob, project, "resnet", "v0"))
    assert (done.membership, done.aliases_back) == (v0, ["gold", "latest"])
    back = collections.find(bob, project, "resnet")
    assert (back.version_count, back.next_number) == (1, 2)
    assert trash.restore(
        bob, membership=versions.find_deleted(bob, project, "resnet", "v1")
    ).aliases_back == ["latest"]
    assert make.log(people.bob, project, files={"a": b"1"}) == v1
    assert make.log(people.bob, project, files={"a": b"2"}).number == 2


def test_a_collection_whose_name_was_taken_meanwhile_does_not_come_back(people, project, bob, v0):
    collections.delete(bob, collection=v0.collection, delete_aliases=True)
    other = make.log(people.bob, project, files={"a": b"9"})
    with pytest.raises(Conflict, match="Rename"):
        trash.restore(bob, membership=v0)
    assert Alias.objects.get().membership == other
    collections.edit(bob, collection=other.collection, name="newer")
    assert trash.restore(bob, membership=v0).aliases_back == ["gold", "latest"]


def test_a_draft_does_not_reach_a_deleted_collection(people, project, bob, v0):
    draft, _ = drafts.begin(bob, project=project, collection="resnet", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({"a": b"0"}))
    collections.delete(bob, collection=v0.collection, delete_aliases=True)
    with pytest.raises(NotFound):
        drafts.commit(bob, draft=draft)
    assert make.log(people.bob, project, files={"a": b"0"}).number == 0


def test_who_may_do_what_to_a_collection(people, project, charlie, v0):
    vera = make.actor(people.vera)
    for who, error in ((vera, Forbidden), (charlie, NotFound)):
        for act in (
            lambda who: collections.create(who, project=project, name="x", type="model"),
            lambda who: collections.edit(who, collection=v0.collection, name="x"),
            lambda who: collections.delete(who, collection=v0.collection, delete_aliases=True),
            lambda who: aliases.move(who, membership=v0, name="x"),
        ):
            with pytest.raises(error):
                act(who)
    with pytest.raises(NotFound):
        collections.listing(charlie, project=project)


def test_types_are_counted_by_an_index(people, project, bob, django_assert_num_queries):
    for number in range(3):
        collections.create(bob, project=project, name=f"c{number}", type="model")
    collections.delete(bob, collection=collections.find(bob, project, "c0"))
    rows = collections.types(bob, project=project)
    assert [(row.name, row.collection_count) for row in rows] == [("model", 2)]
    if connection.vendor == "sqlite":
        assert "collection_live_by_type" in rows.explain()

"""The type of a collection: reserved ones, the move to another, and who settles it when several come at once."""

from __future__ import annotations

import pytest

from registry.errors import NameTaken, ReservedType, TypeMismatch
from registry.models import Collection, Event, Version
from registry.services import collections, drafts, sequences
from tests import factories as make
from tests.support.together import together

pytestmark = pytest.mark.django_db

ENTRY = {"path": "x", "ref": "s3://b/x", "digest": "d", "size": 1}


@pytest.mark.parametrize(("type", "name"), [("code", "source-1"), ("run_table", "run-1")])
def test_no_rename_leads_to_a_reserved_name(project, bob, type, name):
    made = collections.create(bob, project=project, name="plain", type=type)
    with pytest.raises(ReservedType):
        collections.edit(bob, collection=made, name=name)
    assert Collection.objects.get().name == "plain"
    # What is not about name or type is free, whatever they are.
    Collection.objects.update(name=name)
    assert collections.edit(bob, collection=Collection.objects.get(), description="x").description == "x"


def test_name_and_type_are_judged_as_they_are_under_the_lock(project, bob):
    made = collections.create(bob, project=project, name="plain", type="model")
    stale = Collection.objects.select_related("project__entity", "type").get()
    collections.edit(bob, collection=made, type="code")
    with pytest.raises(ReservedType):
        collections.edit(bob, collection=stale, name="source-1")


def test_open_drafts_move_with_their_collection(people, project, bob):
    kept = make.log(people.bob, project, "c", type="model", files={}, references={"x": "s3://b/0"})
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({}, {"x": "s3://b/1"}))
    collections.edit(bob, collection=kept.collection, type="network")
    assert drafts.commit(bob, draft=drafts.find(bob, draft.public_id)).membership.number == 1
    assert not Version.objects.exclude(type_name="").exists()
    event = Event.objects.get(act="collection.edit")
    assert (event.before, event.after) == ({"type": "model"}, {"type": "network"})
    with pytest.raises(TypeMismatch):
        drafts.begin(bob, project=project, collection="c", type="model")


def test_a_draft_does_not_retype_what_was_settled_since_it_looked(project, bob, monkeypatch):
    drafts.begin(bob, project=project, collection="c", type="model")
    locked = sequences._LOCKED

    class SettledMeanwhile:
        def first(self, *values):
            Collection.objects.update(established=True)
            return locked.first(*values)

    monkeypatch.setattr(sequences, "_LOCKED", SettledMeanwhile())
    with pytest.raises(TypeMismatch):
        drafts.begin(bob, project=project, collection="c", type="dataset")
    assert Collection.objects.get().type.name == "model"


def test_a_collection_is_made_once_though_two_saw_it_free(project, bob, monkeypatch):
    drafts.begin(bob, project=project, collection="c", type="model")
    begin = sequences.begin

    def made_meanwhile(*args, **wanted):
        found = begin(*args, **wanted)
        Collection.objects.update(established=True)
        return found

    monkeypatch.setattr(sequences, "begin", made_meanwhile)
    with pytest.raises(NameTaken):
        collections.create(bob, project=project, name="c", type="model")
    assert not Event.objects.filter(act="collection.create").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("begun", [False, True])
def test_of_many_who_make_a_collection_one_succeeds(people, project, begun):
    bob = make.actor(people.bob)
    if begun:
        drafts.begin(bob, project=project, collection="c", type="model")
    given = together(
        [lambda: collections.create(bob, project=project, name="c", type="model") for _ in range(8)]
    )
    refused = [outcome for outcome in given if isinstance(outcome, Exception)]
    assert [type(error) for error in refused] == [NameTaken] * 7
    assert Event.objects.filter(act="collection.create").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_first_commit_settles_the_type_whoever_begins_beside_it(people, project):
    bob = make.actor(people.bob)

    def log(kind, name):
        return drafts.log_small(bob, project=project, collection=name, type=kind, entries=[ENTRY])

    for round in range(5):
        name = f"c{round}"
        drafts.begin(bob, project=project, collection=name, type="model")
        given = together(
            [
                lambda name=name: log("model", name),
                lambda name=name: drafts.begin(bob, project=project, collection=name, type="dataset"),
                lambda name=name: log("dataset", name),
                lambda name=name: drafts.begin(bob, project=project, collection=name, type="code"),
            ]
        )
        event = Event.objects.filter(act="version.log", subject=f"{name}:v0").first()
        assert event is not None, given
        assert Collection.objects.get(name=name).type.name in ("model", "dataset")
        assert event.collection_id == Collection.objects.get(name=name).pk

"""The trash of a team: looked through, restored from, deleted for good, kept for as long as the team says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Forbidden, Gone, InUse, InvalidInput, NotFound, NotInTrash
from registry.models import Alias, Collection, Event, Version
from registry.services import aliases, collections, drafts, runs, survey, teams, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(people):
    return make.actor(people.alice)


@pytest.fixture
def entity(people):
    return people.team.entity


def gone(people, project, name="resnet", data=b"0", **details):
    row = make.log(people.bob, project, name, files={"a": data}, **details)
    versions.delete(make.actor(people.bob), membership=row, delete_aliases=True)
    return row


def names(rows) -> list[str]:
    return [row.name for row in rows]


def test_it_has_all_projects_that_one_sees_and_can_be_searched_and_narrowed(people, project, entity, alice):
    other = make.project(people, visibility="organization")
    gone(people, project), gone(people, other, "bert", b"22"), gone(people, other, "bert", b"333")
    Version.objects.filter(size=1).update(deletion_cause="expiry")
    assert names(trash.of_entity(alice, entity=entity)) == ["bert:v1", "bert:v0", "resnet:v0"]
    assert names(trash.of_entity(alice, entity=entity, q="BER")) == ["bert:v1", "bert:v0"]
    assert names(trash.of_entity(alice, entity=entity, q="bert:v0")) == ["bert:v0"]
    assert names(trash.of_entity(alice, entity=entity, cause="expiry")) == ["resnet:v0"]
    assert names(trash.of_entity(alice, entity=entity, project=project.name)) == ["resnet:v0"]
    assert names(trash.of_entity(make.actor(people.olga), entity=entity)) == ["bert:v1", "bert:v0"]
    with pytest.raises(NotFound):
        trash.of_entity(make.actor(people.charlie), entity=entity)


def test_it_says_which_bytes_are_only_here(people, project, entity, alice):
    make.log(people.bob, project, "kept", files={"a": b"shared"})
    row = make.log(people.bob, project, "resnet", files={"a": b"shared", "b": b"own"})
    versions.delete(alice, membership=row, delete_aliases=True)
    assert trash.of_entity(alice, entity=entity).get().only_here == 0
    survey.count(entity)
    found = trash.of_entity(alice, entity=entity).get()
    assert (found.only_here, found.version.size) == (3, 9)
    assert trash.whole(alice, entity=entity) == {"versions": 1, "size": 9, "only_here": 3}


def test_what_is_chosen_comes_back_each_for_itself(people, project, entity, alice):
    first, second = gone(people, project, aliases=["gold"]), gone(people, project, "bert")
    other = make.log(people.bob, project)
    aliases.move(alice, membership=other, name="gold")
    rows = trash.find(alice, entity=entity, ids=[first.pk, second.pk])
    collections.create(alice, project=project, name="taken", type="model")
    Collection.objects.filter(name="bert").update(deleted_at=timezone.now(), purge_at=timezone.now())
    collections.create(alice, project=project, name="bert", type="model")
    back, failed = trash.restore_each(alice, rows=rows)
    assert [(row.membership.name, row.aliases_moved_on) for row in back] == [
        ("resnet:v0", [("gold", "v1"), ("latest", "v1")])
    ]
    assert [(name, error.code) for name, error in failed] == [("bert:v0", "name_taken")]
    with pytest.raises(NotFound):
        trash.find(alice, entity=entity, ids=[first.pk])
    with pytest.raises(InvalidInput):
        trash.find(alice, entity=entity, ids=[])


def test_what_is_deleted_for_good_is_gone_and_told_by_whom(people, project, entity, alice):
    row = gone(people, project, tags=["ok"])
    assert trash.purge(alice, rows=[row]) == 1
    told = Event.objects.get(act="version.purge")
    assert (told.actor_id, told.subject, told.before["size"]) == (people.alice.pk, "resnet:v0", 1)
    version = Version.objects.get()
    assert (version.manifest, version.lost_aliases, version.state) == (None, [], "DELETED")
    for act in (lambda: trash.purge(alice, rows=[row]), lambda: trash.restore(alice, membership=row)):
        with pytest.raises(Gone):
            act()
    assert Event.objects.filter(act="version.purge").count() == 1


def test_only_what_is_in_the_trash_is_deleted_for_good_and_only_by_admins(
    people, project, entity, alice, bob
):
    row = make.log(people.bob, project)
    with pytest.raises(NotInTrash):
        trash.purge(alice, rows=[row])
    versions.delete(bob, membership=row, delete_aliases=True)
    with pytest.raises(Forbidden):
        trash.purge(bob, rows=[row])
    with pytest.raises(Forbidden):
        trash.purge_all(bob, entity=entity)
    trash.restore(bob, membership=row)
    with pytest.raises(NotInTrash):
        trash.purge(alice, rows=[row])
    assert Version.objects.get().state == "COMMITTED"


def test_what_the_run_of_a_draft_uses_stays_in_the_trash(people, project, entity, alice, bob):
    row, other = make.log(people.bob, project), gone(people, project, "bert")
    run, _ = runs.create(bob, project=project, name="train")
    runs.use(bob, run=run, membership=row)
    versions.delete(bob, membership=row, delete_aliases=True)
    draft, _ = drafts.begin(bob, project=project, collection="out", type="model", run=run)
    with pytest.raises(InUse):
        trash.purge(alice, rows=[row, other])
    assert not Version.objects.exclude(purged_at=None)
    assert trash.purge_all(alice, entity=entity) == (1, 1)
    drafts.abandon(bob, draft=draft)
    assert trash.purge_all(alice, entity=entity) == (1, 0)


def test_emptying_takes_a_few_at_a_time_and_all_in_the_end(people, project, entity, alice, monkeypatch):
    monkeypatch.setattr(trash, "_BATCH", 2)
    for at in range(5):
        gone(people, project, data=b"%d" % at)
    kept = make.log(people.bob, project)
    assert trash.purge_all(alice, entity=entity) == (5, 0)
    assert trash.purge_all(alice, entity=entity) == (0, 0)
    assert Version.objects.filter(purged_at=None).get() == kept.version


def test_a_team_has_a_period_of_its_own(people, project, entity, alice, settings):
    teams.edit_settings(alice, team=people.team, trash_days=30)
    row = gone(people, project)
    version = Version.objects.get(pk=row.version_id)
    assert version.purge_at - version.deleted_at == timedelta(days=30)
    told = Event.objects.get(act="team.edit")
    assert (told.before, told.after) == ({"trash_days": None}, {"trash_days": 30})
    collections.delete(alice, collection=row.collection)
    place = Collection.objects.get()
    assert place.purge_at - place.deleted_at == timedelta(days=30)
    teams.edit_settings(alice, team=people.team, trash_days=None)
    version = Version.objects.get(pk=gone(people, project, "bert").version_id)
    assert version.purge_at - version.deleted_at == timedelta(days=settings.TRASH_DAYS)


def test_a_longer_period_holds_for_what_is_there_and_a_shorter_one_does_not(people, project, entity, alice):
    early, late = gone(people, project), gone(people, project, "bert")
    over = timezone.now() - timedelta(seconds=1)
    Version.objects.filter(pk=early.version_id).update(purge_at=over)
    before = Version.objects.get(pk=late.version_id)
    teams.edit_settings(alice, team=people.team, trash_days=1)
    assert Version.objects.get(pk=late.version_id).purge_at == before.purge_at
    teams.edit_settings(alice, team=people.team, trash_days=100)
    after = Version.objects.get(pk=late.version_id)
    assert after.purge_at == after.deleted_at + timedelta(days=100)
    assert Version.objects.get(pk=early.version_id).purge_at == over
    for wrong in (-1, 36501):
        with pytest.raises(InvalidInput):
            teams.edit_settings(alice, team=people.team, trash_days=wrong)
    with pytest.raises(Forbidden):
        teams.edit_settings(make.actor(people.bob), team=people.team, trash_days=3)
    assert not Alias.objects.exists()

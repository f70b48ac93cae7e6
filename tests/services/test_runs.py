"""Runs and their edges."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Forbidden, InvalidInput, InvalidMetadata, NameTaken, NotFound
from registry.models import Event, Run, RunInput
from registry.services import runs, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(bob, project):
    return runs.create(bob, project=project, name="train", config={"lr": 0.1, "bad": float("nan")})[0]


def test_a_run_begins_changes_and_ends(bob, project, run):
    assert (run.state, run.config) == ("running", {"lr": 0.1, "bad": None})
    done = runs.edit(bob, run=run, state="finished", summary={"acc": 0.9}, display_name="Training")
    assert (done.state, done.summary, done.display_name) == ("finished", {"acc": 0.9}, "Training")
    assert done.finished_at is not None
    assert runs.edit(bob, run=done, state="running").finished_at is None
    assert list(runs.listing(bob, project=project)) == [done]
    assert Event.objects.filter(act="run.edit").count() == 2


def test_a_run_that_falls_silent_is_marked_once_and_runs_again_when_it_is_heard_of(bob, project):
    run = runs.create(bob, project=project, name="beating", heartbeat=True)[0]
    begun = run.heartbeat_at
    assert runs.mark_silent(at=begun + runs.SILENCE) == 0
    assert runs.mark_silent(at=begun + runs.SILENCE + timedelta(seconds=1)) == 1
    assert runs.mark_silent(at=begun + runs.SILENCE + timedelta(seconds=1)) == 0
    crashed = runs.find(bob, project, "beating")
    assert (crashed.state, crashed.finished_at is not None) == ("crashed", True)
    alive = runs.beat(bob, run=crashed)
    assert (alive.state, alive.finished_at) == ("running", None)
    assert alive.heartbeat_at is None or Run.objects.get(pk=run.pk).heartbeat_at > begun
    assert runs.beat(bob, run=run).state == "running"
    told = Event.objects.filter(act="run.edit").order_by("pk").values_list("before", "after", "actor_name")
    assert [(before["state"], after["state"]) for before, after, _ in told] == [
        ("running", "crashed"),
        ("crashed", "running"),
    ]
    assert told[0][2] != told[1][2]


def test_a_heartbeat_a_moment_before_wins(bob, project, monkeypatch):
    run = runs.create(bob, project=project, name="beating", heartbeat=True)[0]
    late = run.heartbeat_at + runs.SILENCE + timedelta(seconds=1)
    mark = runs._mark_silent

    def beat_first(found, silent):
        Run.objects.filter(pk=found.pk).update(heartbeat_at=late)
        return mark(found, silent)

    monkeypatch.setattr(runs, "_mark_silent", beat_first)
    assert runs.mark_silent(at=late) == 0
    assert runs.find(bob, project, "beating").state == "running"


def test_silence_says_nothing_of_runs_without_heartbeats_nor_of_those_that_ended(bob, project, run):
    ended = runs.create(bob, project=project, name="ended", heartbeat=True)[0]
    runs.edit(bob, run=ended, state="failed")
    assert runs.mark_silent(at=timezone.now() + timedelta(days=9)) == 0
    assert runs.beat(bob, run=ended).state == "failed"
    resumed = runs.create(bob, project=project, name="ended")[0]
    assert (resumed.state, resumed.heartbeat_at) == ("running", None)
    by_hand = runs.edit(bob, run=run, state="crashed")
    assert runs.beat(bob, run=by_hand).state == "crashed"


def test_the_same_name_again_is_the_same_run_and_of_somebody_else_is_taken(people, project, alice, bob, run):
    assert runs.create(bob, project=project, name="train") == (run, False)
    with pytest.raises(NameTaken):
        runs.create(alice, project=project, name="train")
    assert runs.create(bob, project=project)[0] != runs.create(bob, project=project)[0]


def test_a_finished_run_that_is_begun_again_runs_on_with_what_it_had(bob, project, run):
    runs.edit(bob, run=run, state="finished", summary={"acc": 0.9})
    again, created = runs.create(
        bob, project=project, name="train", config={"epochs": 3}, display_name="Second"
    )
    assert (created, again.state, again.finished_at) == (False, "running", None)
    assert again.config == {"lr": 0.1, "bad": None, "epochs": 3}
    assert (again.summary, again.display_name) == ({"acc": 0.9}, "Second")
    told = Event.objects.filter(act="run.edit").latest("pk")
    assert (told.before["state"], told.after["state"]) == ("finished", "running")
    count = Event.objects.count()
    assert runs.create(bob, project=project, name="train", config={"epochs": 3}) == (again, False)
    assert Event.objects.count() == count


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"state": "asleep"}, InvalidInput),
        ({"summary": {"a": float("inf")}}, InvalidMetadata),
        ({"config": []}, InvalidMetadata),
    ],
)
def test_an_edit_with_one_wrong_part_changes_nothing(bob, run, wrong, error):
    with pytest.raises(error):
        runs.edit(bob, run=run, **{"display_name": "new", **wrong})
    assert runs.find(bob, run.project, "train").display_name == ""


def test_a_run_knows_its_inputs_in_the_order_of_use_and_its_outputs(people, project, bob, run):
    first = make.log(people.bob, project, "data", type="dataset")
    second = make.log(people.bob, project, "more", type="dataset")
    for used in (second, first, second):
        runs.use(bob, run=run, membership=used, use_as="training")
    logged = make.log(people.bob, project, run=run)
    assert list(runs.inputs(bob, run)) == [second, first]
    assert list(runs.outputs(bob, run)) == [logged]
    assert runs.logged_by(bob, logged) == run
    assert RunInput.objects.count() == 2
    assert Event.objects.filter(act="version.use").count() == 2


def test_a_version_knows_the_runs_that_used_it_last_use_first(people, project, bob, run):
    logged, other = make.log(people.bob, project), make.log(people.bob, project, "other")
    later, _ = runs.create(bob, project=project, name="later")
    for user, used in ((run, other), (run, logged), (later, logged), (later, other)):
        runs.use(bob, run=user, membership=used)
    found = list(runs.used_by(bob, logged))
    assert found == [later, run]
    assert [row.used_at for row in found] == [
        RunInput.objects.get(run=row, version=logged.version).created_at for row in found
    ]


def test_edges_into_hidden_projects_are_not_shown(people, project, bob, run):
    own = make.log(people.bob, runs_project(people), "secret")
    runs.use(bob, run=run, membership=own)
    assert list(runs.inputs(bob, run)) == [own]
    vera = make.actor(people.vera)
    assert list(runs.inputs(vera, run)) == []
    with pytest.raises(NotFound):
        runs.use(make.actor(people.alice), run=run, membership=own)


def runs_project(people):
    from registry.services import projects

    return projects.create(make.actor(people.bob), entity=people.bob.entity, name="own")


def test_a_deleted_version_leaves_the_lists_of_a_run(people, project, bob, run):
    logged = make.log(people.bob, project, run=run)
    versions.delete(bob, membership=logged, delete_aliases=True)
    assert list(runs.outputs(bob, run)) == []


def test_runs_are_for_members(people, project, run):
    for user, error in ((people.vera, Forbidden), (people.charlie, NotFound)):
        who = make.actor(user)
        with pytest.raises(error):
            runs.create(who, project=project, name="x")
        with pytest.raises(error):
            runs.edit(who, run=run, state="failed")
    with pytest.raises(NotFound):
        runs.find(make.actor(people.vera), project, "not-there")

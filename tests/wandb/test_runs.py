"""Runs of the client: begun, described, alive, ended."""

from __future__ import annotations

import json

import pytest

from registry.models import Event, Run
from registry.services import runs
from tests import factories
from tests.wandb.conftest import Log, basic

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(people):
    return factories.project(people)


@pytest.fixture
def bob(people, caller):
    return caller(people.bob)


def upsert(bob, project, **given):
    where = {"entity": project.entity.name, "project": project.name}
    return bob.ask("UpsertBucket", **{**where, "name": "abc", **given})["upsertBucket"]


def stream(bob, project, run="abc", **body):
    path = f"/files/{project.entity.name}/{project.name}/{run}/file_stream"
    return bob.http.post(path, json.dumps(body), content_type="application/json", headers=basic(bob.secret))


def summary_of(values: str) -> dict[str, object]:
    return {"files": {"wandb-summary.json": {"offset": 0, "content": [values]}}}


def test_a_run_is_begun_with_its_configuration_and_goes_on_by_its_name(people, project, bob):
    config = {"lr": {"desc": None, "value": 0.1}, "_wandb": {"value": {"cli_version": "0.31.0"}}}
    begun = upsert(
        bob, project, config=json.dumps(config), displayName="first try", jobType="train", host="box"
    )
    assert begun["inserted"] is True
    assert (begun["bucket"]["name"], begun["bucket"]["displayName"]) == ("abc", "first try")
    run = Run.objects.get()
    assert (run.config, run.job_type, run.created_by) == ({"lr": 0.1}, "train", people.bob)
    assert run.heartbeat_at is not None
    again = upsert(bob, project, config=json.dumps({"epochs": {"value": 3}}))
    assert again["inserted"] is False
    assert json.loads(again["bucket"]["config"]) == {"lr": {"value": 0.1}, "epochs": {"value": 3}}


def test_projects_are_made_where_one_may_and_nowhere_else(people, bob):
    answer = bob.ask("UpsertBucket", name="r1")["upsertBucket"]["bucket"]
    assert answer["project"]["name"] == "uncategorized"
    assert answer["project"]["entity"]["name"] == people.bob.username
    error = bob.refused("UpsertBucket", name="r1", entity=people.charlie.username, project="theirs")
    assert error["extensions"]["code"] == "not_found"


def test_the_summary_is_noted_on_the_way_without_events_and_told_at_the_end(project, bob):
    upsert(bob, project, host="box")
    before = Event.objects.count()
    for step in range(3):
        answer = stream(bob, project, **summary_of(json.dumps({"loss": 1 / (step + 1), "_step": step})))
        assert (answer.status_code, answer.json()) == (200, {"stopped": False})
    assert stream(bob, project).status_code == 200
    run = Run.objects.get()
    assert (run.summary, run.state) == ({"loss": 1 / 3, "_step": 2}, "running")
    assert Event.objects.count() == before
    stream(bob, project, complete=True, exitcode=0, **summary_of('{"loss": 0.1, "_step": 3, "_wandb": {}}'))
    run.refresh_from_db()
    assert (run.summary, run.state) == ({"loss": 0.1, "_step": 3}, "finished")
    assert run.finished_at is not None
    assert Event.objects.filter(act="run.edit", door="wandb").count() == 1


def test_what_is_said_after_the_end_does_not_begin_a_run_again(project, bob):
    """The client describes a run once more when it is over."""
    upsert(bob, project, host="box")
    stream(bob, project, complete=True, exitcode=1)
    upsert(bob, project, config=json.dumps({"late": {"value": 1}}))
    run = Run.objects.get()
    assert (run.state, run.config) == ("failed", {"late": 1})
    # A script that resumes it does.
    upsert(bob, project, host="box")
    run.refresh_from_db()
    assert run.state == "running"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_metrics_that_diverge_are_null(project, bob, number):
    upsert(bob, project, host="box")
    assert stream(bob, project, **summary_of(f'{{"loss": {number}}}')).status_code == 200
    assert Run.objects.get().summary == {"loss": None}


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"files": 1}', b'{"files": {"wandb-summary.json": 3}}', b'{"complete": "x"}']
)
def test_a_stream_of_nonsense_is_no_crash(project, bob, body):
    """A 5xx would be repeated ten thousand times."""
    upsert(bob, project, host="box")
    path = f"/files/{project.entity.name}/{project.name}/abc/file_stream"
    answer = bob.http.post(path, body, content_type="application/json", headers=basic(bob.secret))
    assert answer.status_code in (200, 400)


def test_a_long_history_at_once_is_taken(project, bob):
    """What an offline run sends at its end."""
    upsert(bob, project, host="box")
    lines = [json.dumps({"text": "x" * 1000, "_step": step}) for step in range(9000)]
    history = {"wandb-history.jsonl": {"offset": 0, "content": lines}}
    assert stream(bob, project, files={**history, **summary_of('{"loss": 1}')["files"]}).status_code == 200
    assert Run.objects.get().summary == {"loss": 1}


def test_a_stream_for_no_run_or_by_a_stranger_is_not_found(people, project, bob, caller):
    upsert(bob, project, host="box")
    assert stream(bob, project, run="none").status_code == 404
    assert stream(caller(people.charlie), project).status_code == 404
    assert stream(caller(people.vera), project).status_code == 403


def test_files_of_runs_are_taken_and_not_kept(project, bob):
    upsert(bob, project, host="box")
    where = {"entity": project.entity.name, "project": project.name, "run": "abc"}
    made = bob.ask("CreateRunFiles", **where, files=["config.yaml", "media/x.png"])["createRunFiles"]
    assert len(made["files"]) == 2
    assert bob.put(made["files"][0]["uploadUrl"], b"x: 1").status_code == 200


def test_a_run_that_is_resumed_goes_on_after_its_last_step(project, bob):
    upsert(bob, project, host="box")
    stream(bob, project, **summary_of('{"loss": 1, "_step": 4}'))
    where = {"entity": project.entity.name, "project": project.name, "name": "abc"}
    bucket = bob.ask("RunResumeStatus", **where)["model"]["bucket"]
    assert bucket["historyLineCount"] == 5
    assert json.loads(json.loads(bucket["historyTail"])[0])["_step"] == 4
    assert "t" in json.loads(bucket["wandbConfig"])
    missing = bob.ask("RunResumeStatus", **{**where, "name": "none"})
    assert missing["model"]["bucket"] is None


def test_what_a_run_logged_and_used_is_listed(people, project, bob):
    upsert(bob, project, host="box")
    one = Log(bob, project, "data", {"a": b"a"}, runName="abc").all()
    used = factories.log(people.bob, project, "other", {"b": b"b"})
    where = {"entityName": project.entity.name, "projectName": project.name, "runName": "abc"}
    bob.ask("UseArtifact", input={**where, "artifactID": used.version.public_id})
    asked = {"entity": project.entity.name, "project": project.name, "run": "abc"}
    for name, expected in (("RUN_OUTPUT_ARTIFACTS", one), ("RUN_INPUT_ARTIFACTS", used.version.public_id)):
        page = bob.ask(name, **asked)["project"]["run"]["artifacts"]
        assert (page["totalCount"], [edge["node"]["id"] for edge in page["edges"]]) == (1, [expected])
    creator = bob.ask("ARTIFACT_CREATED_BY", id=one)["artifact"]["createdBy"]
    assert (creator["__typename"], creator["name"]) == ("Run", "abc")
    found = runs.find(factories.actor(people.bob), project, "abc")
    assert found.get_absolute_url() == f"/{project.entity.name}/{project.name}/runs/abc"

"""The audit log over REST: of a team, of everything, and as a file."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.db import connection

from registry.models import EventSeal
from registry.services import aliases, audit
from tests.api.support import Api, refused
from tests.factories import actor, log
from tests.support.sealing import seal_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(people):
    return Api(people.root)


@pytest.fixture
def held(people, project):
    made = log(people.bob, project, "resnet")
    aliases.move(actor(people.alice, "web"), membership=made, name="gold")
    seal_now()
    return made


def test_the_log_of_a_team_tells_of_its_projects_with_the_place_in_the_chain(alice, people, project, held):
    path = f"/entities/{people.team.entity.name}/events"
    newest, *rest = alice.get(path).json()["results"]
    assert (newest["act"], newest["door"], newest["collection"]) == ("alias.move", "web", "resnet")
    seal = EventSeal.objects.get(event_id=newest["id"])
    assert (newest["position"], newest["hash"]) == (seal.position, bytes(seal.hash).hex())
    assert len(newest["digest"]) == 64
    assert {"team.create", "project.create", "version.log"} <= {row["act"] for row in rest}
    for query, acts in (
        ({"door": "web", "act": "alias.move"}, ["alias.move"]),
        ({"project": project.name, "collection": "resnet", "act": "version.log"}, ["version.log"]),
        ({"project": "nothing"}, []),
        ({"key": "none"}, []),
    ):
        assert [row["act"] for row in alice.get(path, query).json()["results"]] == acts
    refused(alice.get(path, {"door": "window"}), 400, "invalid_query")


def test_who_may_not_audit_learns_no_digest_of_an_event(bob, home, held):
    for row in bob.get(f"{home}/events").json()["results"]:
        assert {row[name] for name in ("address", "key_prefix", "digest", "position", "hash")} == {None}


def test_the_log_of_everything_is_for_admins_of_the_installation(alice, root, people, held):
    refused(alice.get("/events"), 403, "forbidden")
    found = root.get("/events", {"entity": people.team.entity.name, "act": "alias.move"}).json()["results"]
    assert [row["collection"] for row in found] == ["resnet"]
    assert root.get("/events", {"entity": "nobody"}).json()["results"] == []


def test_a_log_comes_as_a_file_of_json_lines_or_csv(alice, root, people, held):
    path = f"/entities/{people.team.entity.name}/events"
    listed = alice.get(path, {"limit": 200}).json()["results"]
    answer = alice.get(f"{path}/export")
    assert answer["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.getvalue().splitlines()] == listed
    answer = alice.get(f"{path}/export", {"format": "csv", "act": "alias.move"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert [row["act"] for row in csv.DictReader(io.StringIO(answer.getvalue().decode()))] == ["alias.move"]
    refused(alice.get(f"{path}/export", {"format": "xlsx"}), 400, "invalid_query")
    assert len(root.get("/events/export").getvalue().splitlines()) > len(listed)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads tables as small as these whole")
def test_what_the_log_is_narrowed_to_is_read_by_an_index(people, held):
    root = actor(people.root)
    for index, rows in {
        "event_by_entity": audit.of_entity(root, people.team.entity),
        "event_by_act_anywhere": audit.everywhere(root, act="alias.move"),
        "event_by_actor_anywhere": audit.everywhere(root, by="bob"),
    }.items():
        plan = rows[:51].explain()
        assert index in plan, (index, plan)
        assert "TEMP B-TREE" not in plan

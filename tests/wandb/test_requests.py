"""What a request of this door must be, and what it may cost."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.test import Client

from registry.services import keys
from registry.wandb_api import documents, query
from registry.wandb_api.context import MOST_LISTS
from tests import factories
from tests.wandb.conftest import basic

pytestmark = pytest.mark.django_db
VIEWER = "query Viewer { viewer { id username entity teams { edges { node { name } } } } }"


def test_nobody_is_heard_without_a_key(people):
    for headers in ({}, basic("sr-" + "0" * 43), {"Authorization": "Basic !"}):
        answer = Client().post(
            "/graphql", json.dumps({"query": VIEWER}), content_type="application/json", headers=headers
        )
        assert answer.status_code == 401
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "not_authenticated"
        assert "key" in error["message"]


def test_a_session_is_no_key(people, client):
    """So no page of another site can act in the name of who is signed in."""
    client.force_login(people.alice)
    answer = client.post("/graphql", json.dumps({"query": VIEWER}), content_type="application/json")
    assert answer.status_code == 401


def test_a_key_that_ended_is_refused(people, caller):
    bob = caller(people.bob)
    keys.revoke(factories.actor(people.bob), key=people.bob.api_keys.get())
    answer = bob.post({"query": VIEWER})
    assert answer.status_code == 401
    assert "revoked" in answer.json()["errors"][0]["message"]


def test_the_viewer_is_told_where_they_may_log(people, caller):
    viewer = caller(people.bob).ask("Viewer")["viewer"]
    assert (viewer["username"], viewer["entity"]) == (people.bob.username, people.bob.username)
    names = [edge["node"]["name"] for edge in viewer["teams"]["edges"]]
    assert names == [people.bob.username, people.team.entity.name]


@pytest.mark.parametrize("name", ["", None])
def test_an_empty_name_of_the_operation_is_none(people, caller, name):
    answer = caller(people.bob).post({"query": VIEWER, "variables": None, "operationName": name})
    assert answer.json()["data"]["viewer"]["username"] == people.bob.username


def test_unknown_fields_that_are_null_are_left_out(people, caller):
    """Newer clients send every field that they know of."""
    project = factories.project(people)
    bob = caller(people.bob)
    document = "mutation M($input: UpsertModelInput!) { upsertModel(input: $input) { inserted } }"
    given = {"name": project.name, "entityName": project.entity.name, "brandNew": None}
    assert bob.raw(document, input=given)["data"] == {"upsertModel": {"inserted": False}}
    [error] = bob.raw(document, input={**given, "brandNew": 1})["errors"]
    assert "brandNew" in error["message"]


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ("query { " + "a " * 5001 + "}", "tokens"),
        ("query { entity { " + "user { teams { edges { node { " * 5 + "id" + "}" * 22, "deeper"),
        ("query { " + " ".join(f"a{n}: viewer {{ id }}" for n in range(51)) + " }", "aliases"),
        ("query { __schema { types { name } } }", "describe"),
        ("query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "contain each other"),
        ("query { viewer { id } " + "#" * 70_000 + "\n}", "characters"),
        ("query { nothing }", "nothing"),
        ("query {", "Syntax"),
        ("{" * 4000, "Syntax"),
    ],
)
def test_a_document_beyond_the_limits_is_refused(people, caller, document, word):
    answer = caller(people.bob).raw(document)
    assert word in answer["errors"][0]["message"]
    assert answer.get("data") is None


def test_fragments_that_multiply_are_refused_before_they_cost_anything(people, caller):
    spreads = "".join(
        f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} ...F{n + 1} ...F{n + 1} }} " for n in range(14)
    )
    document = f"query {{ ...F0 }} {spreads} fragment F14 on Query {{ viewer {{ id }} }}"
    assert "fields" in caller(people.bob).raw(document)["errors"][0]["message"]


def test_there_are_no_lists_of_requests(people, caller):
    answer = caller(people.bob).post([{"query": VIEWER}])
    assert answer.status_code == 400
    assert "one JSON object" in answer.json()["errors"][0]["message"]


def test_a_request_reads_so_many_lists_and_no_more(people, caller):
    project = factories.project(people)
    for number in range(3):
        factories.log(people.bob, project, f"c{number}")
    where = f"name: {json.dumps(project.name)}, entityName: {json.dumps(project.entity.name)}"
    runs = closed("runs { edges { node { outputArtifacts { edges { node { usedBy { edges { node { id")
    few = closed(f"query {{ project({where}) {{ " + " ".join(f"a{n}: {runs}" for n in range(49)))
    assert "errors" not in caller(people.bob).raw(few)
    edges = "edges { node {"
    lists = ("artifactTypes", "artifactCollections", "artifacts", "usedBy")
    types = closed(" ".join(f"{name} {{ {edges}" for name in lists) + " id")
    many = closed(f"query {{ project({where}) {{ " + " ".join(f"b{n}: {types}" for n in range(20)))
    [error, *_] = caller(people.bob).raw(many)["errors"]
    assert f"{MOST_LISTS} lists" in error["message"]


def closed(document: str) -> str:
    """Close all that is open."""
    return document + " }" * (document.count("{") - document.count("}"))


def test_what_passes_by_itself_is_asked_again_and_a_crash_is_not(people, caller, monkeypatch):
    """The client repeats a 5xx for hours: only "busy" is worth it."""
    bob = caller(people.bob)

    def fail(error):
        def server_info(self):
            raise error

        monkeypatch.setattr(query.Query, "server_info", server_info)
        return bob.post({"query": "query { serverInfo { features { name } } }"})

    busy = fail(OperationalError("database is locked"))
    assert (busy.status_code, busy["Retry-After"]) == (503, "1")
    crash = fail(ZeroDivisionError("secret words"))
    assert crash.status_code == 200
    assert "secret" not in crash.content.decode()
    assert crash.json()["errors"][0]["extensions"]["code"] == "internal_error"


def test_a_document_is_validated_once(people, caller):
    documents.read.cache_clear()
    bob = caller(people.bob)
    for _ in range(3):
        bob.ask("Viewer")
    assert documents.read.cache_info().misses == 1


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        (
            "UPDATE_USER_REGISTRY_ROLE",
            {"input": {"projectId": "x", "userId": "x", "userProjectRole": "viewer"}},
        )
    ],
)
def test_what_is_not_served_yet_says_so(people, caller, name, variables):
    error = caller(people.bob).refused(name, **variables)
    assert "not yet served" in error["message"]

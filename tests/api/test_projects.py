"""Me, entities, projects, types and collections."""

import pytest

from tests.api.support import refused
from tests.factories import log, unique


def test_me_names_my_entities_and_roles(alice, people):
    me = alice.get("/me").json()
    assert me["default_entity"] == people.alice.username
    roles = {row["name"]: row["role"] for row in me["entities"]}
    assert roles == {people.alice.username: "admin", people.team.entity.name: "admin"}


def test_an_entity_is_shown_with_my_role(alice, bob, charlie, people):
    name = people.team.entity.name
    assert alice.get(f"/entities/{name}").json()["role"] == "admin"
    assert bob.get(f"/entities/{name.upper()}").json() | {"created_at": 0} == {
        "name": name,
        "kind": "team",
        "role": "member",
        "created_at": 0,
    }
    refused(charlie.get(f"/entities/{name}"), 404, "not_found")
    refused(alice.get("/entities/none"), 404, "not_found")


def test_a_project_is_made_shown_and_changed(alice, people):
    entity = people.team.entity.name
    made = alice.post(f"/entities/{entity}/projects", {"name": "p 1", "description": "hi"})
    assert made.status_code == 201
    assert made.json()["visibility"] == "private"
    assert alice.get(f"/projects/{entity}/p 1").json() == made.json()
    changed = alice.patch(f"/projects/{entity}/p 1", {"name": "p2", "visibility": "organization"}).json()
    assert (changed["name"], changed["visibility"], changed["description"]) == ("p2", "organization", "hi")
    refused(alice.post(f"/entities/{entity}/projects", {"name": "p2"}), 409, "name_taken")
    refused(alice.post(f"/entities/{entity}/projects", {"name": "a/b"}), 400, "invalid_name")
    refused(alice.post(f"/entities/{entity}/projects", {}), 400, "invalid_input")
    refused(alice.patch(f"/projects/{entity}/p2", {"kind": "registry"}), 400, "invalid_input")


def test_projects_of_an_entity_are_those_one_may_see(alice, people, project):
    entity = people.team.entity.name
    assert [row["name"] for row in alice.get(f"/entities/{entity}/projects").json()["results"]] == [
        project.name
    ]
    refused(alice.get(f"/entities/{entity}/projects", {"order": "size"}), 400, "invalid_query")


def test_types_count_their_collections(alice, people, project, home):
    log(people.alice, project, "a", type="model")
    log(people.alice, project, "b", type="model")
    log(people.alice, project, "c", type="dataset")
    listed = alice.get(f"{home}/types").json()["results"]
    assert [(row["name"], row["collection_count"]) for row in listed] == [("dataset", 1), ("model", 2)]


@pytest.fixture
def some(people, project, alice, home):
    for name, kind in (("beta", "model"), ("alpha", "dataset"), ("gamma_1", "model")):
        log(people.alice, project, name, type=kind)
    alice.patch(f"{home}/collections/beta", {"tags": ["good"]})


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["alpha", "beta", "gamma_1"]),
        ({"order": "-name"}, ["gamma_1", "beta", "alpha"]),
        ({"order": "created_at"}, ["beta", "alpha", "gamma_1"]),
        ({"type": "model"}, ["beta", "gamma_1"]),
        ({"tag": "good"}, ["beta"]),
        ({"q": "ALPH"}, ["alpha"]),
        ({"q": "_"}, ["gamma_1"]),
        ({"q": "%"}, []),
        ({"limit": "2"}, ["alpha", "beta"]),
    ],
)
def test_collections_are_filtered_and_sorted(alice, home, some, query, names):
    assert [row["name"] for row in alice.get(f"{home}/collections", query).json()["results"]] == names


def test_a_collection_is_made_changed_and_deleted(alice, home):
    made = alice.post(f"{home}/collections", {"name": "c", "type": "model", "description": "d"})
    assert made.status_code == 201
    assert made.json()["version_count"] == 0
    refused(alice.post(f"{home}/collections", {"name": "c", "type": "model"}), 409, "name_taken")
    changed = alice.patch(f"{home}/collections/c", {"name": "d", "tags": ["x"], "description": "new"}).json()
    assert (changed["name"], changed["tags"], changed["description"]) == ("d", ["x"], "new")
    assert alice.get(f"{home}/collections/d").json() == changed
    refused(alice.get(f"{home}/collections/c"), 404, "not_found")
    assert alice.delete(f"{home}/collections/d").status_code == 204
    refused(alice.get(f"{home}/collections/d"), 404, "not_found")


def test_a_collection_whose_versions_hold_aliases_is_deleted_only_when_told_so(alice, people, project, home):
    log(people.alice, project, "kept", aliases=["prod"])
    refused(alice.delete(f"{home}/collections/kept"), 409, "has_aliases")
    assert alice.delete(f"{home}/collections/kept?delete_aliases=true").status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a/b", "type": "model"},
        {"name": "", "type": "model"},
        {"name": "x" * 129, "type": "model"},
        {"name": "a\u202eb", "type": "model"},
        {"name": "a\n", "type": "model"},
        {"name": "рrod", "type": "a/b"},
        {"name": "ok", "type": "job"},
    ],
)
def test_a_collection_with_a_wrong_name_is_refused(alice, home, body):
    assert alice.post(f"{home}/collections", body).status_code == 400


def test_names_with_odd_but_allowed_characters_work_in_addresses(alice, people):
    entity = people.team.entity.name
    name = unique("späße & co+")
    assert alice.post(f"/entities/{entity}/projects", {"name": name}).status_code == 201
    assert alice.get(f"/projects/{entity}/{name}").json()["name"] == name

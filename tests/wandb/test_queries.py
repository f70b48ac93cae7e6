"""Lists cost so many queries, however many rows they have; bytes cost few."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.services import runs
from tests import factories
from tests.wandb.conftest import Log

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(people):
    return factories.project(people)


@pytest.fixture
def bob(people, caller):
    found = caller(people.bob)
    found.ask("Viewer")  # the key is stamped once a minute
    return found


def counted(act) -> tuple[int, object]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = act()
    return len(queries), answer


def edges(answer, *path):
    for part in path:
        answer = answer[part]
    return answer["edges"]


LISTS = {
    "PROJECT_ARTIFACTS": (
        {"type": "model", "collection": "resnet", "perPage": 100},
        ("project", "artifactType", "artifactCollection", "artifacts"),
        11,
    ),
    "PROJECT_ARTIFACT_COLLECTIONS": ({"perPage": 100}, ("project", "artifactCollections"), 5),
    "ARTIFACT_TYPE_ARTIFACT_COLLECTIONS": (
        {"type": "model", "perPage": 100},
        ("project", "artifactType", "artifactCollections"),
        6,
    ),
    "PROJECT_ARTIFACT_TYPES": ({"perPage": 100}, ("project", "artifactTypes"), 3),
    "RUN_OUTPUT_ARTIFACTS": ({"run": "train", "perPage": 100}, ("project", "run", "artifacts"), 10),
    "RUN_INPUT_ARTIFACTS": ({"run": "train", "perPage": 100}, ("project", "run", "artifacts"), 10),
}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_list_costs_the_same_at_one_row_and_at_fifty(people, project, bob, name):
    variables, path, most = LISTS[name]
    where = {"entity": project.entity.name, "project": project.name, **variables}
    run, _ = runs.create(factories.actor(people.bob), project=project, name="train")

    def log(number):
        aliases, tags = [f"a{number}"], [f"t{number}"]
        kind = f"kind{number}" if name == "PROJECT_ARTIFACT_TYPES" else "model"
        own = name.startswith(("PROJECT_ARTIFACT_", "ARTIFACT_TYPE_"))
        made = factories.log(
            people.bob,
            project,
            f"c{number}" if own else "resnet",
            {"a": str(number).encode()},
            type=kind,
            aliases=aliases,
            tags=tags,
            run=run,
        )
        runs.use(factories.actor(people.bob), run=run, membership=made)

    log(0)
    few, answer = counted(lambda: bob.ask(name, **where))
    assert len(edges(answer, *path)) == 1
    for number in range(1, 50):
        log(number)
    many, answer = counted(lambda: bob.ask(name, **where))
    assert len(edges(answer, *path)) == 50
    assert few == many
    assert many <= most + 4, "identity, key and role are four of them"


def test_a_list_is_read_a_page_at_a_time(people, project, bob):
    for number in range(5):
        factories.log(people.bob, project, "resnet", {"a": str(number).encode()})
    where = {"entity": project.entity.name, "project": project.name, "type": "model", "collection": "resnet"}
    seen, cursor = [], None
    while True:
        answer = bob.ask("PROJECT_ARTIFACTS", **where, perPage=2, cursor=cursor)
        page = answer["project"]["artifactType"]["artifactCollection"]["artifacts"]
        assert page["totalCount"] == 5
        seen += [edge["version"] for edge in page["edges"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["v4", "v3", "v2", "v1", "v0"]
    ascending = bob.ask("PROJECT_ARTIFACTS", **where, order="version_index", filters='{"state":"COMMITTED"}')
    first = ascending["project"]["artifactType"]["artifactCollection"]["artifacts"]["edges"][0]
    assert first["version"] == "v0"


def test_versions_are_narrowed_by_tags_and_aliases_and_by_nothing_unknown(people, project, bob):
    for number, tags in enumerate((["good"], ["good", "two words"], [])):
        factories.log(people.bob, project, "resnet", {"a": str(number).encode()}, tags=tags)
    where = {"entity": project.entity.name, "project": project.name, "type": "model", "collection": "resnet"}

    def versions(filters):
        answer = bob.ask("PROJECT_ARTIFACTS", **where, filters=filters)
        page = answer["project"]["artifactType"]["artifactCollection"]["artifacts"]
        return page["totalCount"], [edge["version"] for edge in page["edges"]]

    assert versions('{"state":"COMMITTED","tags":"good"}') == (2, ["v1", "v0"])
    assert versions('{"tags":{"$all":["good","two words"]}}') == (1, ["v1"])
    assert versions('{"alias":"latest"}') == (1, ["v2"])
    refused = bob.refused("PROJECT_ARTIFACTS", **where, filters='{"metadata.acc":{"$gt":0.5}}')
    assert refused["extensions"]["code"] == "invalid_query"
    assert "metadata.acc" in refused["message"]


def test_files_come_a_page_at_a_time_and_cost_no_query_each(people, project, bob):
    factories.log(people.bob, project, "resnet", {f"f{number:03}": b"x" for number in range(120)})
    where = {
        "entity": project.entity.name,
        "project": project.name,
        "collection": "resnet",
        "alias": "latest",
    }

    def page(cursor, size=50):
        answer = bob.ask("ARTIFACT_MEMBERSHIP_FILES", **where, cursor=cursor, perPage=size)
        return answer["project"]["artifactCollection"]["artifactMembership"]["files"]

    one, _ = counted(lambda: page(None, 1))
    fifty, first = counted(lambda: page(None))
    assert one == fifty
    assert first["totalCount"] == 120
    names = [edge["node"]["name"] for edge in first["edges"]]
    assert names == [f"f{number:03}" for number in range(50)]
    last = page(page(first["pageInfo"]["endCursor"])["pageInfo"]["endCursor"])
    assert [edge["node"]["name"] for edge in last["edges"]] == [f"f{number:03}" for number in range(100, 120)]
    assert not last["pageInfo"]["hasNextPage"]
    named = bob.ask("ARTIFACT_MEMBERSHIP_FILES", **where, fileNames=["f007", "none", "../x"])
    found = named["project"]["artifactCollection"]["artifactMembership"]["files"]["edges"]
    assert [edge["node"]["name"] for edge in found] == ["f007"]


def test_places_for_files_cost_the_same_for_one_and_for_fifty(project, bob):
    one = Log(bob, project, "one", {"a": b"a"})
    many = Log(bob, project, "many", {f"f{number}": str(number).encode() for number in range(50)})
    assert counted(one.places)[0] == counted(many.places)[0]


def test_a_file_costs_few_queries_to_send_and_to_read(people, project, bob):
    log = Log(bob, project, "data", {"a": b"a", "b": b"b"})
    places = log.places()
    sent, answer = counted(lambda: bob.put(places["a"], b"a"))
    assert answer.status_code == 200
    assert sent <= 12
    bob.put(places["b"], b"b")
    log.stage()
    log.commit()
    where = {"entity": project.entity.name, "project": project.name, "collection": "data", "alias": "v0"}
    found = bob.ask("GET_ARTIFACT_MEMBERSHIP_FILE_URLS", **where, perPage=5000)
    edge = found["project"]["artifactCollection"]["artifactMembership"]["files"]["edges"][0]
    bob.get(edge["node"]["directUrl"])  # the first records a download
    read, answer = counted(lambda: bob.get(edge["node"]["directUrl"]))
    assert b"".join(answer) == b"a"
    assert read <= 5

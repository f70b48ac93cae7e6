"""Registries, members and links over REST."""

import pytest

from registry.actor import system
from registry.services import links, registry_members
from tests import factories
from tests.api.support import Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(people):
    return Api(factories.head(people))


@pytest.fixture
def place(people):
    return f"/organizations/{people.organization}/registries"


@pytest.fixture
def models(people):
    made = factories.registry(people, "models", visibility="private")
    registry_members.set_role(system(), registry=made, team=people.team.entity.name, role="member")
    return made


@pytest.fixture
def v0(people, project):
    return factories.log(people.bob, project)


def of(membership):
    project = membership.collection.project
    return (
        f"/projects/{project.entity.name}/{project.name}/collections/{membership.collection.name}"
        f"/versions/v{membership.number}"
    )


def code(response):
    return response.status_code, response.json()["error"]["code"]


def test_a_registry_is_made_shown_changed_and_deleted(head, bob, place, people):
    made = head.post(place, {"name": "models", "icon": "box", "accepted_types": ["model"]})
    assert made.status_code == 201
    told = made.json()
    assert (told["name"], told["project"], told["visibility"], told["role"]) == (
        "models", "wandb-registry-models", "organization", "admin",
    )  # fmt: skip
    assert bob.get(f"{place}/models").json()["role"] == "viewer"
    assert bob.patch(f"{place}/models", {"icon": "table"}).status_code == 403
    changed = head.patch(
        f"{place}/models", {"name": "best", "visibility": "private", "description": "x"}
    ).json()
    assert (changed["name"], changed["icon"], changed["accepted_types"]) == ("best", "box", ["model"])
    assert bob.get(f"{place}/best").status_code == 404
    assert head.get(f"{place}/best/deletion").json() == {
        "portfolios": 0, "links": 0, "members": 0, "aliases": [], "protected": [],
    }  # fmt: skip
    assert head.delete(f"{place}/best").status_code == 204
    assert head.get(f"{place}/best").status_code == 404
    back = head.post(f"/projects/{people.organization}/wandb-registry-best/restore", {})
    assert back.status_code == 200
    assert head.get(f"{place}/best").json()["description"] == "x"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "a/b"}, "invalid_name"),
        ({"name": "x", "icon": "skull"}, "invalid_input"),
        ({"name": "x", "visibility": "world"}, "invalid_input"),
        ({"name": "x", "accepted_types": ["a/b"]}, "invalid_type"),
        ({"name": "taken"}, "name_taken"),
    ],
)
def test_a_registry_that_cannot_be_is_refused(head, place, body, expected):
    head.post(place, {"name": "taken"})
    assert code(head.post(place, body))[1] == expected


def test_members_come_from_the_organization_and_roles_change(head, bob, place, people, models):
    member = f"{place}/models/members/people/{people.olga.username}"
    assert head.put(member, {"role": "viewer"}).json()["role"] == "viewer"
    assert head.put(member, {"role": "restricted_viewer"}).json()["role"] == "restricted_viewer"
    strange = f"{place}/models/members/people/{people.charlie.username}"
    nobody = f"{place}/models/members/people/nobody-at-all"
    assert [code(head.put(path, {"role": "viewer"})) for path in (strange, nobody)] == [
        (400, "invalid_input")
    ] * 2
    assert code(head.put(member, {"role": "owner"})) == (400, "invalid_input")
    listed = bob.get(f"{place}/models/members").json()["results"]
    assert {(row["username"], row["team"], row["role"]) for row in listed} == {
        (people.olga.username, None, "restricted_viewer"),
        (None, people.team.entity.name, "member"),
    }
    assert [row["team"] for row in bob.get(f"{place}/models/members?role=member").json()["results"]] == [
        people.team.entity.name
    ]
    assert Api(people.olga).delete(member).status_code == 204
    assert code(head.delete(member)) == (404, "not_found")
    assert head.delete(f"{place}/models/members/teams/{people.team.entity.name}").status_code == 204
    assert bob.get(f"{place}/models").status_code == 404


def test_who_leaves_the_organization_has_no_role_in_its_registries(people, models, head, place):
    olga = Api(people.olga)
    head.put(f"{place}/models/members/people/{people.olga.username}", {"role": "admin"})
    assert olga.get(f"{place}/models").status_code == 200
    head.delete(f"/organizations/{people.organization}/members/{people.olga.username}")
    assert olga.get(f"{place}/models").status_code == 404
    assert olga.get("/registries").json()["results"] == []
    assert not models.registry_members.filter(user=people.olga).exists()


def test_a_version_is_linked_found_by_its_registry_and_unlinked(bob, people, models, v0):
    path = "wandb-registry-models/resnet"
    made = bob.post(f"{of(v0)}/link", {"target_path": path, "aliases": ["production"]})
    assert made.status_code == 201
    told = made.json()["version"]
    assert (told["qualified_name"], told["collection_kind"], sorted(told["aliases"])) == (
        f"{people.organization}/wandb-registry-models/resnet:v0", "portfolio", ["latest", "production"],
    )  # fmt: skip
    assert told["source"]["qualified_name"] == v0.qualified_name
    again = bob.post(f"{of(v0)}/link", {"target_path": path})
    assert (again.status_code, again.json()["created"]) == (200, False)
    by_team = (
        f"/projects/{people.team.entity.name}/wandb-registry-models/collections/resnet/versions/production"
    )
    assert bob.get(by_team).json()["qualified_name"] == told["qualified_name"]
    [listed] = bob.get(f"{of(v0)}/linked").json()["results"]
    assert listed["qualified_name"] == told["qualified_name"]
    assert bob.delete(f"{by_team}/link").status_code == 204
    assert bob.get(f"{of(v0)}/linked").json()["results"] == []
    assert bob.get(of(v0)).status_code == 200
    assert code(bob.delete(f"{of(v0)}/link")) == (409, "conflict")


def test_the_source_is_null_to_who_may_not_see_it(people, models, v0):
    linked = links.link(system(), membership=v0, target_path="wandb-registry-models/resnet").membership
    registry_members.set_role(system(), registry=models, username=people.olga.username, role="viewer")
    olga = Api(people.olga)
    assert olga.get(of(linked)).json()["source"] is None
    assert [row["source"] for row in olga.get(of(linked).rpartition("/")[0]).json()["results"]] == [None]
    assert olga.get(f"/versions/{v0.version.public_id}").json()["collection_kind"] == "portfolio"
    assert olga.get(f"{of(linked)}/content?path=weights.bin").status_code == 200
    assert olga.get(of(v0)).status_code == 404
    assert Api(people.bob).get(of(linked)).json()["source"]["name"] == v0.name


def test_deleting_a_link_unlinks_it(bob, models, v0):
    linked = links.link(system(), membership=v0, target_path="wandb-registry-models/resnet").membership
    assert bob.delete(of(linked)).status_code == 204
    assert bob.get(of(v0)).json()["state"] == "COMMITTED"


@pytest.mark.parametrize("path", ["", "a//b", "a/b/c/d", "a:v1", "/x"])
def test_a_wrong_target_path_is_refused(bob, v0, path):
    status, said = code(bob.post(f"{of(v0)}/link", {"target_path": path}))
    assert (status, said) == (400, "invalid_reference" if path else "invalid_input")

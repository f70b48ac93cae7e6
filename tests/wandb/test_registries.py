"""Links and registries through the documents of the `wandb` client."""

from __future__ import annotations

import pytest

from registry.actor import system
from registry.models import Membership, Project, RunInput
from registry.services import links, registry_members, runs
from registry.wandb_api import ids
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def models(people):
    made = factories.registry(people, "models", visibility="private")
    registry_members.set_role(system(), registry=made, team=people.team.entity.name, role="member")
    return made


@pytest.fixture
def v0(people):
    return factories.log(people.bob, factories.project(people, "vision"))


def link(caller, v0, people, **more):
    given = {
        "artifactID": v0.version.public_id, "artifactPortfolioName": "best", "projectName": "wandb-registry-models",
        "entityName": people.organization.entity.name, **more,
    }  # fmt: skip
    return caller.ask("LINK_ARTIFACT", input=given)["result"]


def test_a_version_is_linked_listed_and_unlinked(people, caller, models, v0):
    bob = caller(people.bob)
    aliases = [{"artifactCollectionName": "best", "alias": "staging"}]
    made = link(bob, v0, people, aliases=aliases)
    place = made["artifactMembership"]
    assert made["versionIndex"] == 0
    assert place["artifactCollection"]["__typename"] == "ArtifactPortfolio"
    assert {each["alias"] for each in place["aliases"]} == {"latest", "staging"}
    assert place["artifact"]["artifactSequence"]["project"]["name"] == "vision"
    listed = bob.ask("FETCH_LINKED_ARTIFACTS", artifactID=v0.version.public_id)
    kinds = [
        edge["node"]["artifactCollection"]["__typename"]
        for edge in listed["artifact"]["artifactMemberships"]["edges"]
    ]
    assert sorted(kinds) == ["ArtifactPortfolio", "ArtifactSequence"]
    home = Membership.objects.get(collection__name="best").collection
    portfolio = ids.encode("ArtifactCollection", home.pk)
    gone = bob.ask(
        "UNLINK_ARTIFACT", input={"artifactID": v0.version.public_id, "artifactPortfolioID": portfolio}
    )
    assert gone["result"]["success"] is True
    assert not home.memberships.exists()


def test_organizations_are_found_from_teams_and_persons(people, caller):
    bob, name = caller(people.bob), people.organization.entity.name
    found = bob.ask("FETCH_ORG_INFO_FROM_ENTITY", entity=people.team.entity.name)["entity"]
    assert (found["organization"]["name"], found["organization"]["orgEntity"]["name"]) == (name, name)
    own = bob.ask("FETCH_ORG_INFO_FROM_ENTITY", entity=people.bob.username)["entity"]
    assert [each["name"] for each in own["user"]["organizations"]] == [name]
    assert bob.ask("FETCH_ORGANIZATION", org=name)["organization"]["orgEntity"]["name"] == name
    assert caller(people.charlie).ask("FETCH_ORGANIZATION", org=name)["organization"] is None


def test_who_has_the_registry_alone_gets_no_source(people, caller, models, v0):
    links.link(system(), membership=v0, target_path="wandb-registry-models/best")
    registry_members.set_role(system(), registry=models, username=people.olga.username, role="viewer")
    olga = caller(people.olga)
    name = {"entity": people.organization.entity.name, "project": models.name, "name": "best:latest"}
    found = olga.ask("ARTIFACT_MEMBERSHIP_BY_NAME", **name)["project"]["artifactCollectionMembership"]
    assert found["artifact"]["artifactSequence"] == {
        "__typename": "ArtifactSequence", "name": "best", "project": None,
    }  # fmt: skip
    assert "vision" not in str(found).replace(people.team.entity.name, "")
    read = olga.ask("FETCH_ARTIFACT_MANIFEST", id=v0.version.public_id)["artifact"]
    url = read["currentManifest"]["file"]["directUrl"]
    assert olga.get(url).status_code == 200
    registry_members.set_role(
        system(), registry=models, username=people.olga.username, role="restricted_viewer"
    )
    assert olga.get(url).status_code == 403


def test_a_run_uses_a_version_through_the_registry(people, caller, models, v0):
    linked = links.link(system(), membership=v0, target_path="wandb-registry-models/best").membership
    runs.create(factories.actor(people.bob), project=v0.collection.project, name="r")
    bob = caller(people.bob)
    bob.raw(
        'mutation($e: String!, $p: String!) { useArtifact(input: {entityName: $e, projectName: $p, runName: "r",'
        ' artifactID: "'
        + v0.version.public_id
        + '", artifactEntityName: "'
        + people.organization.entity.name
        + '", artifactProjectName: "wandb-registry-models"}) { artifact { id } } }',
        e=people.team.entity.name,
        p="vision",
    )
    assert RunInput.objects.get().membership_id == linked.pk


def test_registries_are_made_changed_renamed_and_deleted(people, caller):
    head, owner = caller(factories.head(people)), people.organization.entity.name
    given = {"name": "wandb-registry-x", "entityName": owner, "access": "RESTRICTED"}
    types = {"allowAllArtifactTypesInRegistry": False, "artifactTypes": [{"name": "model"}]}
    made = head.ask("UPSERT_REGISTRY", input={**given, **types})["upsertModel"]
    assert (made["inserted"], made["project"]["access"]) == (True, "RESTRICTED")
    assert made["project"]["allowAllArtifactTypes"] is False
    edited = head.ask("UPSERT_REGISTRY", input={**given, "access": "PRIVATE", "description": "new"})[
        "upsertModel"
    ]
    assert (edited["inserted"], edited["project"]["access"]) == (False, "PRIVATE")
    found = Project.objects.get(name="wandb-registry-x")
    assert (found.description, found.visibility, found.registry.accepted_types) == (
        "new",
        "organization",
        ["model"],
    )
    assert caller(people.bob).refused("UPSERT_REGISTRY", input={**given, "description": "mine"})
    assert caller(people.bob).refused("DELETE_REGISTRY", id=made["project"]["id"])
    head.ask("DELETE_REGISTRY", id=made["project"]["id"])
    found.refresh_from_db()
    assert found.deleted_at is not None

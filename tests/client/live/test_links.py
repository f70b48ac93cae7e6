"""Linking by the client against a running installation: attributes of links, what a registry gives, and refusals."""

from __future__ import annotations

import json
import secrets

import pytest
import strongroom
from strongroom._http import Session
from strongroom.errors import Conflict, Forbidden, NotFound
from strongroom.settings import Settings

from tests.client.live.test_command_line import command


@pytest.fixture(scope="session")
def root(live_installation) -> Session:
    """An admin of the installation."""
    key = live_installation.make_key("root")
    return Session(Settings(base_url=live_installation.url, api_key=key))


@pytest.fixture(scope="session")
def dana(live_installation) -> tuple[str, str]:
    """Somebody of the organization, in no team: name and key."""
    return "dana", live_installation.make_key("dana", admin=False)


@pytest.fixture(scope="session")
def organization(live_installation, alice, dana) -> str:
    """An organization with the team `vision`, in which alice is."""
    live_installation.manage("createorg", "acme")
    live_installation.manage("createteam", "vision", "--org", "acme")
    live_installation.manage("addmember", "--team", "vision", alice.name, "member")
    live_installation.manage("addmember", "--org", "acme", dana[0], "member")
    return "acme"


@pytest.fixture
def registry(root, organization) -> str:
    """A private registry in which the team is member, and dana viewer."""
    name = f"r-{secrets.token_hex(4)}"
    place = f"/organizations/{organization}/registries"
    root.json("POST", place, {"name": name, "visibility": "private"})
    root.json("PUT", f"{place}/{name}/members/teams/vision", {"role": "member"})
    root.json("PUT", f"{place}/{name}/members/people/dana", {"role": "viewer"})
    return f"wandb-registry-{name}"


@pytest.fixture
def logged(project, organization, home) -> strongroom.Artifact:
    (home / "a").write_text("1")
    with strongroom.init(entity="vision", project=project) as run:
        made = strongroom.Artifact("resnet", "model", description="card")
        made.add_file(home / "a")
        return run.log_artifact(made, aliases=["best"])


def test_a_link_says_where_it_is_and_where_it_is_from(logged, registry, project):
    linked = logged.link(f"{registry}/classifier", aliases=["production"])
    assert linked.is_link
    assert not logged.is_link
    assert (linked.entity, linked.project, linked.name, linked.version) == (
        "acme", registry, "classifier:v0", "v0",
    )  # fmt: skip
    assert linked.qualified_name == f"acme/{registry}/classifier:v0"
    assert (linked.collection.name, sorted(linked.aliases)) == ("classifier", ["latest", "production"])
    assert (linked.source_entity, linked.source_project, linked.source_name, linked.source_version) == (
        "vision", project, "resnet:v0", "v0",
    )  # fmt: skip
    assert linked.source_qualified_name == logged.qualified_name
    assert linked.source_collection.name == "resnet"
    assert (linked.id, linked.digest, linked.description, linked.type) == (
        logged.id, logged.digest, "card", "model",
    )  # fmt: skip
    assert linked.source_artifact.qualified_name == logged.qualified_name
    assert logged.source_artifact is logged
    assert [each.qualified_name for each in logged.linked_artifacts] == [linked.qualified_name]
    assert linked.linked_artifacts == []
    with pytest.raises(Conflict, match="its source"):
        linked.ttl = None


def test_edits_through_a_link_go_to_the_source_and_aliases_stay_there(logged, registry):
    linked = logged.link(f"{registry}/classifier")
    linked.description, linked.metadata = "new", {"f1": 1}
    linked.aliases.append("mine")
    linked.save()
    fresh = strongroom.Api().artifact(logged.qualified_name)
    assert (fresh.description, fresh.metadata) == ("new", {"f1": 1})
    assert sorted(fresh.aliases) == ["best", "latest"]


def test_a_link_of_a_link_is_one_of_its_source_and_deleting_unlinks(logged, registry):
    linked = logged.link(f"{registry}/classifier")
    other = linked.link(f"{registry}/other")
    assert other.source_qualified_name == logged.qualified_name
    linked.delete()
    other.unlink()
    assert logged.linked_artifacts == []
    assert strongroom.Api().artifact(logged.qualified_name).state == "COMMITTED"
    with pytest.raises(Conflict, match="not a link"):
        logged.unlink()
    with pytest.raises(NotFound):
        strongroom.Api().artifact(linked.qualified_name)


def test_a_run_links_what_it_logs_and_uses_what_is_linked(registry, project, home, organization):
    (home / "b").write_text("2")
    with strongroom.init(entity="vision", project=project) as run:
        made = strongroom.Artifact("net", "model")
        made.add_file(home / "b")
        linked = run.link_artifact(made, f"{registry}/net", aliases="staging")
        assert (made.state, linked.is_link) == ("COMMITTED", True)
        shelved = run.link_artifact(made, "shelf")
        assert shelved.qualified_name == f"vision/{project}/shelf:v0"
        used = run.use_artifact(f"{registry}/net:staging")
        assert used.qualified_name == linked.qualified_name
    assert used.download(home / "out")
    assert (home / "out" / "b").read_text() == "2"


def test_who_has_the_registry_alone_sees_downloads_and_learns_nothing_else(
    logged, registry, dana, monkeypatch, home, project
):
    linked = logged.link(f"{registry}/classifier")
    monkeypatch.setenv("STRONGROOM_API_KEY", dana[1])
    api = strongroom.Api()
    found = api.artifact(linked.qualified_name)
    assert found.download(home / "dana")
    assert (home / "dana" / "a").read_text() == "1"
    assert found.is_link
    for hidden in ("source_name", "source_entity", "source_project", "source_collection", "source_artifact"):
        with pytest.raises(Forbidden, match="not for you to see") as refused:
            getattr(found, hidden)
        assert project not in str(refused.value)
    assert found.logged_by() is None
    with pytest.raises(NotFound):
        api.artifact(logged.qualified_name)
    found.description = "mine"
    with pytest.raises(Forbidden):
        found.save()


def test_a_restricted_viewer_sees_and_downloads_nothing(logged, registry, root, dana, monkeypatch, home):
    linked = logged.link(f"{registry}/classifier")
    name = registry.removeprefix("wandb-registry-")
    place = f"/organizations/acme/registries/{name}/members/people/dana"
    root.json("PUT", place, {"role": "restricted_viewer"})
    monkeypatch.setenv("STRONGROOM_API_KEY", dana[1])
    found = strongroom.Api().artifact(linked.qualified_name)
    assert found.description == "card"
    with pytest.raises(Forbidden, match="needs the role viewer"):
        found.download(home / "none", skip_cache=True)


@pytest.mark.parametrize("path", ["", "a//b", "a/b/c/d", "a:v0"])
def test_a_wrong_target_path_is_refused_before_anything_is_sent(path):
    with pytest.raises(strongroom.StrongroomError):
        strongroom.Artifact("x", "model").link(path)


def test_a_draft_is_not_linked(project):
    with pytest.raises(strongroom.ArtifactNotLoggedError):
        strongroom.Artifact("x", "model").link("shelf")


def test_the_command_line_links_and_unlinks(logged, registry):
    done = command("link", logged.qualified_name, f"{registry}/cli", "--alias", "x", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["qualified_name"] == f"acme/{registry}/cli:v0"
    assert command("unlink", f"acme/{registry}/cli:x").returncode == 0
    assert command("unlink", f"acme/{registry}/cli:x").returncode == 3
    assert command("unlink", logged.qualified_name).returncode == 1

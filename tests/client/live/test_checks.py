"""Checks by the client and by the command line against a running installation."""

from __future__ import annotations

import json

import pytest
import strongroom
from strongroom.errors import InvalidInput, NameTaken

from tests.client.live.test_command_line import command


@pytest.fixture
def link(project, live_installation, home):
    """A version of alice, linked into a registry that she administers."""
    org = f"o{project[2:]}"
    live_installation.manage("createorg", org)
    live_installation.manage("createteam", f"t{org}", "--org", org)
    live_installation.manage("addmember", "--team", f"t{org}", "alice", "member")
    live_installation.manage("addmember", "--org", org, "alice", "admin")
    session = strongroom.Api()._session
    session.json("POST", f"/organizations/{org}/registries", {"name": "models"})
    (home / "model.bin").write_bytes(b"weights")
    with strongroom.init(entity=f"t{org}", project=project) as run:
        model = strongroom.Artifact("resnet", type="model")
        model.add_file(str(home / "model.bin"))
        logged = run.log_artifact(model)
    target = f"{org}/wandb-registry-models/defects"
    return logged.link(target).qualified_name


def test_a_script_posts_and_lists_checks(link):
    api = strongroom.Api()
    posted = api.post_check(link, "ci/latency", "pending")
    assert (posted.name, posted.state, posted.built_in) == ("ci/latency", "pending", False)
    done = command("check", link, "ci/latency", "success", "--finding", "18 ms", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["finding"] == "18 ms"
    (found,) = api.checks(link)
    assert (found.state, found.finding, found.link) == ("success", "18 ms", "")
    with pytest.raises(NameTaken):
        api.post_check(link, "strongroom/code", "success")
    with pytest.raises(InvalidInput):
        api.post_check(link, "ci/latency", "done")
    assert command("check", link, "ci", "done").returncode == 2


def test_files_are_scanned_before_they_are_logged(home):
    (home / "evil.txt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    (home / "good.txt").write_bytes(b"text\n")
    done = command("scan", home / "evil.txt", home / "good.txt", "--json")
    assert done.returncode == 1
    first, second = json.loads(done.stdout)
    assert (first["verdict"], first["found"][0]["name"], second["verdict"]) == (
        "can run code",
        "os.system",
        "looks inert",
    )
    assert command("scan", home / "good.txt").returncode == 0
    assert command("scan", home / "none").returncode == 1

"""A time to live that somebody may not set is refused with its reason, and nothing of it is kept."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import urllib.request
from pathlib import Path

import pytest
import strongroom
from strongroom.core.errors import Forbidden

from tests.support.installation import Installation


@pytest.fixture
def team(live_installation: Installation, alice, charlie) -> str:
    """A team of which alice is an admin and charlie a member, and where only admins change times to live."""
    name = f"team-{secrets.token_hex(4)}"
    live_installation.manage("createorg", f"org-{name}")
    live_installation.manage("createteam", name, "--org", f"org-{name}")
    for who, role in (("alice", "admin"), ("charlie", "member")):
        live_installation.manage("addmember", "--team", name, who, role)
    request = urllib.request.Request(
        f"{alice.url}/api/v1/teams/{name}/retention",
        json.dumps({"ttl_editors": "admins", "ttl": 90 * 86400}).encode(),
        {"Authorization": f"Bearer {alice.key}", "Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["ttl_editors"] == "admins"
    return name


def _fill(artifact: strongroom.Artifact, folder: Path) -> None:
    (folder / "a").write_text("1")
    artifact.add_file(folder / "a")


def test_who_may_not_set_a_time_to_live_is_told_so_by_the_client(
    team, project, charlie, alice, monkeypatch, tmp_path
):
    monkeypatch.setenv("STRONGROOM_API_KEY", alice.key)
    with strongroom.init(entity=team, project=project):
        pass
    monkeypatch.setenv("STRONGROOM_API_KEY", charlie.key)
    with strongroom.init(entity=team, project=project) as run:
        artifact = strongroom.Artifact("data", type="dataset")
        _fill(artifact, tmp_path)
        artifact.ttl = dt.timedelta(days=1)
        with pytest.raises(Forbidden, match="needs the role admin"):
            run.log_artifact(artifact).wait()
        plain = strongroom.Artifact("data", type="dataset")
        _fill(plain, tmp_path)
        logged = run.log_artifact(plain).wait()
        assert logged.version == "v0", "the refused one left nothing"
        for ttl in (None, dt.timedelta(days=1)):
            logged.ttl = ttl
            with pytest.raises(Forbidden, match="needs the role admin"):
                logged.save()
    found = strongroom.Api().artifact(f"{team}/{project}/data:v0")
    assert found.ttl == dt.timedelta(days=90), "it inherits, as before"

"""What an alias was on a date, asked by scripts and by the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import strongroom
from strongroom.errors import InvalidReference, NotFound

from tests.client.live.test_command_line import command
from tests.client.live.test_logging import artifact_of


def stamp() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def test_scripts_and_commands_use_what_an_alias_was(project, home, tmp_path):
    with strongroom.init() as run:
        run.log_artifact(artifact_of(a=b"1"), aliases=["production"])
        then = stamp()
        run.log_artifact(artifact_of(a=b"2"), aliases=["production"])
        assert run.use_artifact("data:production").version == "v1"
        assert run.use_artifact(f"data:production@{then}").version == "v0"
        assert run.use_artifact(f"data:latest@{then}").version == "v0"
    api = strongroom.Api()
    found = api.artifact(f"data:production@{then}")
    assert (found.version, (tmp_path / "a").exists()) == ("v0", False)
    found.download(str(tmp_path))
    assert (tmp_path / "a").read_bytes() == b"1"
    assert api.artifact(f"data:production@{datetime.now(UTC):%Y-%m-%d}").version == "v1"
    got = command("get", f"data:production@{then}", "--root", home / "then")
    assert (got.returncode, (home / "then" / "a").read_bytes()) == (0, b"1"), got.stderr
    with pytest.raises(NotFound, match="Nobody held data:production at 2020-01-01"):
        api.artifact("data:production@2020-01-01")
    for wrong in ("2026-13-45", "2999-01-01"):
        with pytest.raises(InvalidReference):
            api.artifact(f"data:production@{wrong}")

"""The command line against a running installation: results, JSON, exit codes."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from strongroom import settings


def command(*arguments: object, **given) -> subprocess.CompletedProcess[str]:
    """Run a command as a script would."""
    return subprocess.run(
        [sys.executable, "-m", "strongroom", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **given,
    )


@pytest.fixture
def folder(home: Path) -> Path:
    """Two files."""
    (home / "in" / "sub").mkdir(parents=True)
    (home / "in" / "a").write_text("1")
    (home / "in" / "sub" / "b").write_text("22")
    return home / "in"


def test_put_get_and_ls_go_together(project, folder, home):
    done = command(
        "put", folder, "data:best", "--type", "dataset", "--alias", "more", "--tag", "t", "--ttl", "30d",
        "--description", "card", "--metadata", '{"n": 1}', "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    logged = json.loads(done.stdout)
    assert (logged["qualified_name"], logged["file_count"], logged["tags"]) == (
        f"alice/{project}/data:v0",
        2,
        ["t"],
    )
    assert sorted(logged["aliases"]) == ["best", "latest", "more"]
    got = command("get", f"{project}/data:best", "--root", home / "out", "--json")
    assert json.loads(got.stdout)["root"] == str(home / "out")
    assert (home / "out" / "sub" / "b").read_text() == "22"
    assert project in command("ls").stdout
    assert command("ls", project).stdout.split()[:3] == ["data", "dataset", "1"]
    versions = [
        json.loads(line) for line in command("ls", f"alice/{project}/data", "--json").stdout.splitlines()
    ]
    assert [version["name"] for version in versions] == ["data:v0"]
    files = command("ls", f"alice/{project}/data:v0").stdout.splitlines()
    assert [line.split()[-1] for line in files] == ["a", "sub/b"]


def test_get_can_make_a_folder_exact(project, folder, home):
    command("put", folder, "data", "--type", "dataset")
    (home / "out").mkdir()
    (home / "out" / "extra").write_text("x")
    assert command("get", "data", "--root", home / "out").returncode == 0
    assert (home / "out" / "extra").exists()
    assert command("get", "data", "--root", home / "out", "--exact").returncode == 0
    assert not (home / "out" / "extra").exists()


def test_login_keeps_a_key_that_counts(alice, home, monkeypatch):
    monkeypatch.delenv("STRONGROOM_API_KEY", raising=False)
    refused = command("login", "--host", alice.url, input="sr-wrong\n")
    assert refused.returncode == 5
    assert not settings.login_file().exists()
    done = command("login", "--host", alice.url + "/", input=alice.key + "\n")
    assert done.returncode == 0, done.stderr
    assert "alice" in done.stdout
    assert alice.key not in done.stdout + done.stderr
    assert stat.S_IMODE(settings.login_file().stat().st_mode) == 0o600
    assert command("ls").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["get", "nothing:v0"], 3),
        (["ls", "nobody/nothing"], 3),
        (["get", "a/b/c/d"], 2),
        (["put", "missing", "data", "--type", "dataset"], 1),
        (["put", "here", "da ta", "--type", "dataset"], 2),
        (["put", "here", "data", "--type", "dataset", "--ttl", "soon"], 2),
        (["put", "here", "data", "--type", "dataset", "--metadata", "[1]"], 2),
        (["put", "here", "data"], 2),
        (["unknown"], 2),
        ([], 2),
    ],
)
def test_exit_codes_say_what_is_wrong(project, home, arguments, code):
    (home / "here").write_text("1")
    done = command(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_errors_are_json_when_asked_for(project):
    done = command("get", "nothing:v0", "--json")
    assert json.loads(done.stderr)["error"]["code"] == "not_found"


def test_a_key_that_counts_no_more_is_five(project, monkeypatch):
    monkeypatch.setenv("STRONGROOM_API_KEY", "sr-gone")
    assert command("ls").returncode == 5


def test_no_server_is_six(project, monkeypatch):
    monkeypatch.setenv("STRONGROOM_BASE_URL", "http://127.0.0.1:9")
    assert command("ls").returncode == 6


def test_the_cache_can_be_seen_and_cleaned(project, folder, home):
    command("put", folder, "data", "--type", "dataset")
    command("get", "data", "--root", home / "out")
    info = json.loads(command("cache", "info", "--json").stdout)
    assert info["files"] == 2
    assert "2 files" in command("cache").stdout
    assert json.loads(command("cache", "clean", "--json").stdout)["freed"] == 3
    assert json.loads(command("cache", "--json").stdout)["files"] == 0
    assert (home / "out" / "a").read_text() == "1"

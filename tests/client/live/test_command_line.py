"""The command line against a running installation: results, JSON, exit codes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest
from strongroom import settings
from strongroom.cli import main

from tests.client.test_package import Terminal


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


def test_ls_alone_lists_the_projects_of_teams_too(project, charlie, live_installation):
    org, team = f"o{project[2:]}", f"t{project[2:]}"
    live_installation.manage("createorg", org)
    live_installation.manage("createteam", team, "--org", org)
    live_installation.manage("addmember", "--team", team, "charlie", "member")
    charlie.session().json("POST", f"/projects/{team}/shared/runs", {"name": "first"})
    assert f"{team}/shared" not in command("ls").stdout
    live_installation.manage("addmember", "--team", team, "alice", "member")
    assert f"{team}/shared" in command("ls").stdout


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
        (["ls", "vision/digits"], 3),
        (["get", "a/b/c/d"], 2),
        (["put", "missing", "data", "--type", "dataset"], 1),
        (["put", "here", "da ta", "--type", "dataset"], 2),
        (["put", "here", "data", "--type", "dataset", "--ttl", "soon"], 2),
        (["put", "here", "data", "--type", "dataset", "--metadata", "[1]"], 2),
        (["put", "here", "data"], 2),
        (["cache", "clean", "--to", "-5"], 2),
        (["cache", "clean", "--to", "much"], 2),
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


def test_ls_of_what_may_have_been_meant_as_a_collection_says_how_to_look_into_one(project):
    done = command("ls", f"{project}/data")
    assert done.returncode == 3
    assert done.stderr.strip().endswith(
        "ls takes ENTITY/PROJECT; to look into a collection: strongroom ls ENTITY/PROJECT/NAME."
    )


def test_put_says_when_nothing_is_new(project, folder):
    assert json.loads(command("put", folder, "data", "--type", "dataset", "--json").stdout)["created"] is True
    again = command("put", folder, "data", "--type", "dataset", "--metadata", '{"n": 1}', "--json")
    assert json.loads(again.stdout)["created"] is False
    assert "its metadata stayed as it was" in json.loads(again.stderr)["warning"]
    said = command("put", folder, "data", "--type", "dataset").stdout
    assert said.startswith(f"Unchanged, still alice/{project}/data:v0 ")


def test_put_counts_its_files_as_people_do(project, folder):
    said = command("put", folder / "a", "one", "--type", "dataset").stdout
    assert said.endswith("(1 file, 1 B).\n")
    assert "(2 files, 3 B)" in command("put", folder, "two", "--type", "dataset").stdout


def test_without_a_key_it_says_where_keys_are_made(alice, home, monkeypatch):
    monkeypatch.delenv("STRONGROOM_API_KEY", raising=False)
    monkeypatch.setenv("STRONGROOM_BASE_URL", alice.url)
    page = f"page API keys ({alice.url}/api-keys)"
    assert page in command("ls").stderr
    assert page in command("login", input="\n").stderr


def test_login_at_a_terminal_names_the_page_before_it_asks(alice, home, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", Terminal())
    told_before = []

    def ask(_: str) -> str:
        told_before.append(capsys.readouterr().err)
        return alice.key

    monkeypatch.setattr("getpass.getpass", ask)
    assert main(["login", alice.url]) == 0
    assert told_before == [f"Make a key on the page API keys: {alice.url}/api-keys\n"]


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


def test_json_may_stand_anywhere_and_counts_for_usage_errors_too(project, home):
    for arguments in (["--json", "cache"], ["cache", "--json", "info"], ["cache", "info", "--json"]):
        assert json.loads(command(*arguments).stdout)["files"] == 0
    assert command("--json", "ls").returncode == 0
    for arguments in (
        ["--json", "put", "here", "data"],
        ["get", "data", "--json", "--wrong"],
        ["--json", "what"],
    ):
        done = command(*arguments)
        error = json.loads(done.stderr)["error"]
        assert (done.returncode, done.stdout, error["code"]) == (2, "", "invalid_input")
        assert error["message"].endswith("--help`.")
    said = command("put", "here", "data").stderr
    assert said.startswith("usage: strongroom put")
    assert "strongroom: The following arguments are required: --type. See `strongroom put --help`." in said


def test_exact_downloads_to_one_folder_that_then_has_nothing_else(project, folder, home):
    command("put", folder, "data", "--type", "dataset")
    (home / "artifacts" / f"alice-{project}-data" / "sub" / "old").mkdir(parents=True)
    (home / "artifacts" / f"alice-{project}-data" / "a").mkdir()
    (home / "artifacts" / f"alice-{project}-data" / "a" / "in-the-way").write_text("x")
    done = command("get", "data", "--exact", "--skip-cache")
    assert done.returncode == 0, done.stderr
    place = home / "artifacts" / f"alice-{project}-data"
    assert done.stdout.strip() == str(place.relative_to(home))
    assert [found.name for found in (home / "artifacts").iterdir()] == [place.name]
    assert sorted(found.relative_to(place).as_posix() for found in place.rglob("*")) == ["a", "sub", "sub/b"]
    assert json.loads(command("cache", "--json").stdout)["files"] == 0
    refused = command("get", "data", "--exact", "--prefix", "sub/")
    assert refused.returncode == 2
    assert "--prefix" in refused.stderr


def test_ls_shows_the_projects_of_another_entity(project, folder, charlie, monkeypatch):
    command("put", folder, "data", "--type", "dataset")
    assert f"alice/{project}" in command("ls", "alice/").stdout
    monkeypatch.setenv("STRONGROOM_API_KEY", charlie.key)
    assert f"alice/{project}" not in command("ls", "alice/").stdout
    assert command("ls", "nobody-at-all/").returncode == 3


@pytest.mark.parametrize(
    "arguments",
    [["put", "in", "data", "--type", "dataset"], ["cache", "clean"]],
)
def test_a_cache_folder_that_cannot_be_used_is_named(project, folder, home, monkeypatch, arguments):
    (home / "no-folder").mkdir()
    (home / "no-folder" / "objects").mkdir()
    (home / "no-folder" / "usage").mkdir()
    (home / "no-folder" / "staging").write_text("a file")
    monkeypatch.setenv("STRONGROOM_CACHE_DIR", str(home / "no-folder"))
    done = command(*arguments, "--json")
    assert done.returncode == 1
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "local_file"
    assert str(home / "no-folder") in error["message"]
    assert "STRONGROOM_CACHE_DIR" in error["message"]


def test_a_key_that_cannot_be_kept_says_where_it_was_to_go(alice, home, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/no-folder-can-be-made-here")
    done = command("login", alice.url, "--key", alice.key)
    assert done.returncode == 1
    assert "STRONGROOM_API_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def info_to(out: IO[str]) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "strongroom", "cache", "info"]
    return subprocess.run(arguments, stdout=out, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_error_of_the_machine_that_nobody_foresaw_is_one_sentence(project, monkeypatch, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with Path("/dev/full").open("w") as out:
        done = info_to(out)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(project, monkeypatch, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as out:
        done = info_to(out)
    assert (done.returncode, done.stderr) == (0, "")


def test_refer_leaves_references_to_the_server(project):
    done = command(
        "refer", f"{project}/far:best", "one=ftp://example.org/1", "two=ftp://example.org/2", "--type", "dataset",
        "--tag", "t", "--wait", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    logged = json.loads(done.stdout)
    assert (logged["qualified_name"], logged["file_count"]) == (f"alice/{project}/far:v0", 2)
    assert (sorted(logged["aliases"]), logged["tags"]) == (["best", "latest"], ["t"])
    refused = command("refer", f"{project}/far", "http://localhost/x", "--type", "dataset", "--wait")
    assert refused.returncode == 4
    assert "not a public one" in refused.stderr
    at_once = command("refer", f"{project}/far", "file:///etc/passwd", "--type", "dataset")
    assert (at_once.returncode, at_once.stdout) == (4, "")
    begun = command("refer", f"{project}/far", "x=ftp://example.org/1", "--type", "dataset")
    assert "The server resolves 1 reference; follow it at http" in begun.stdout

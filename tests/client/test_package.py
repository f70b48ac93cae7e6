"""The package itself: quick to import, light, and with everything under its name."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import strongroom
from strongroom import _retry, errors
from strongroom.cli import main, parser
from strongroom.cli.output import Output
from strongroom.progress import Progress, human_size

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("document", ["README.md", "client/README.md"])
def test_the_commands_that_readers_are_shown_can_be_typed(document):
    lines = [line.strip() for line in (ROOT / document).read_text("utf-8").splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("strongroom ")]
    assert commands
    for command in commands:
        parser().parse_args(command)


@pytest.mark.parametrize(
    "arguments",
    [["login", "http://x:1"], ["login", "--host", "http://x:1"], ["login", "--host=http://x:1", "--json"]],
)
def test_login_takes_the_server_either_way(arguments, monkeypatch, capsys):
    monkeypatch.setattr("strongroom.cli.login.login", lambda key, host: f"{key} at {host}")
    assert main([*arguments, "--key", "k"]) == 0
    assert "k at http://x:1" in capsys.readouterr().out
    assert main(["login", "http://x:1", "--host", "http://y:1", "--key", "k"]) == 2


def test_it_needs_nothing_heavy():
    script = "import strongroom, sys; [getattr(strongroom, name) for name in strongroom.__all__]; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "django",
        "numpy",
        "requests",
        "httpx",
        "pydantic",
        "asyncio",
        "multiprocessing",
        "tkinter",
        "boto3",
    }
    assert not heavy & set(loaded)


def test_each_library_of_a_bucket_is_an_extra():
    package = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]
    assert sorted(package["optional-dependencies"]) == ["azure", "gcs", "s3"]
    assert package["dependencies"] == ["urllib3>=2.2,<3"]


def test_everything_it_promises_is_there():
    for name in strongroom.__all__:
        assert name == "run" or getattr(strongroom, name) is not None
        assert name in dir(strongroom)
    assert strongroom.run is None
    with pytest.raises(AttributeError, match="nothing"):
        _ = strongroom.nothing


def test_what_comes_later_is_left_out():
    assert not hasattr(strongroom.Artifact, "add")


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_on_a_terminal(monkeypatch):
    monkeypatch.setattr("strongroom.progress.SHOW_AFTER", 0.0)
    monkeypatch.setattr("strongroom.progress.REDRAW_EVERY", 0.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress("Uploading data", 2_000_000) as bar:
        bar.add(500_000)
        bar.add(1_500_000)
    assert " 25% 500.0 kB of 2.0 MB" in sys.stderr.getvalue()
    assert sys.stderr.getvalue().rstrip().split("\r")[-1].startswith("Uploading data ████")
    assert "100%" in sys.stderr.getvalue()


def test_nothing_is_drawn_where_nobody_watches(monkeypatch):
    monkeypatch.setattr("strongroom.progress.SHOW_AFTER", 0.0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress("Uploading data", 2) as bar:
        bar.add(2)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2e9, "2.0 GB"), (5e15, "5000.0 TB")]
)
def test_sizes_are_written_for_people(count, text):
    assert human_size(count) == text


def test_patience_ends_when_nothing_goes_forward(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    patience, error = _retry.Patience(60.0), errors.Unreachable("No.")

    def wait_for_ever() -> None:
        while True:
            patience.wait(error)

    with pytest.raises(errors.Unreachable):
        wait_for_ever()
    assert 45 < clock[0] <= 60
    patience.progress()
    patience.wait(error)


def test_patience_waits_as_long_as_it_is_asked_to(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    _retry.Patience(60.0).wait(errors.RateLimited("Slow down.", retry_after=17))
    assert slept == [17.0]
    with pytest.raises(errors.RateLimited):
        _retry.Patience(0.0).wait(errors.RateLimited("Slow down."))
    assert slept == [17.0]


def test_an_interruption_while_the_program_loads_is_no_traceback():
    script = (
        "import runpy, sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, *given):\n"
        "        if name == 'strongroom.cli': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient()); runpy.run_module('strongroom', run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "Interrupted.\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_that_a_server_says_commands_the_terminal(capsys, as_json):
    evil = "\x1b]0;owned\x07\x9b31m\u202e\x7f\ud800"
    output = Output(as_json=as_json)
    output.error(errors.StrongroomError(evil))
    output.warning(evil)
    output.result({"a": evil}, evil)
    output.table([{"a": evil}], ["a"])
    shown = capsys.readouterr()
    assert not set(evil.encode("utf-8", "ignore").decode()) & set(shown.out + shown.err) - set("]0;owned31m")
    if as_json:
        assert json.loads(shown.out.splitlines()[-1]) == {"a": evil}

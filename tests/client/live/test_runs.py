"""Runs against a running installation: how they begin, go on and end, and what they tell of it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import strongroom
from strongroom.errors import RunFinished, StrongroomError

from tests.client.live.test_logging import artifact_of
from tests.client.test_package import Terminal


def test_a_finished_run_goes_on_and_keeps_what_it_had(project):
    with strongroom.init(id="again", config={"a": 1, "b": 1}) as run:
        run.summary["first"] = 1
    with strongroom.init(id="again", config={"b": 2}) as run:
        assert (run.state, run.config, run.summary) == ("running", {"a": 1, "b": 2}, {"first": 1})
        run.summary["second"] = 2
    found = strongroom.Api().run("again")
    assert (found.state, found.config) == ("finished", {"a": 1, "b": 2})
    assert found.summary == {"first": 1, "second": 2}
    run.summary["late"] = 3
    run.finish()
    assert strongroom.Api().run("again").summary == {"first": 1, "second": 2, "late": 3}


def test_what_comes_after_finish_is_refused_and_says_how_to_go_on(project):
    run = strongroom.init(id="over")
    run.log_artifact(artifact_of(a=b"1"))
    run.finish()
    for late in (lambda: run.log_artifact(artifact_of(a=b"2")), lambda: run.use_artifact("data:v0")):
        with pytest.raises(RunFinished, match=r"strongroom\.init\(.*id='over'\)"):
            late()
    assert strongroom.Api().artifact("data").version == "v0"
    # A run that was looked up never ended here: what it made can still be said.
    assert strongroom.Api().run("over").log_artifact(strongroom.Api().artifact("data:v0")).version == "v0"


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("raise ValueError('a mistake')", "failed"),
        ("raise KeyboardInterrupt", "failed"),
        ("print('done')", "finished"),
        ("sys.exit(3)", "failed"),
        ("sys.exit('no data')", "failed"),
        ("sys.exit()", "finished"),
        (
            "import argparse as a\ntry: a.ArgumentParser().parse_args(['-x'])\nexcept SystemExit: pass",
            "finished",
        ),
        ("kept = []\ntry: sys.exit(3)\nexcept SystemExit as e: kept.append(e)", "finished"),
        ("def end(): sys.exit(2)\ntry: end()\nfinally: pass", "failed"),
        ("import threading as t; x = t.Thread(target=sys.exit, args=(3,)); x.start(); x.join()", "finished"),
        ("import sys; sys.ps1 = '> '; sys.excepthook(ValueError, ValueError(), None)", "finished"),
    ],
)
def test_a_script_that_dies_of_an_error_leaves_a_failed_run(project, script, state):
    begin = (
        "import strongroom, sys; told = sys.excepthook; sys.excepthook = lambda *e: (print('told'), told(*e));"
        " strongroom.init(id='script').finish(); strongroom.init(id='script')\n"
    )
    done = subprocess.run([sys.executable, "-c", begin + script], capture_output=True, text=True, check=False)
    assert done.stdout.count("told") == (1 if "raise" in script or "hook" in script else 0)
    assert "could not be finished" not in done.stderr
    assert strongroom.Api().run("script").state == state


@pytest.mark.parametrize(("code", "state"), [(0, "finished"), (3, "failed")])
def test_a_block_that_leaves_the_script_ends_as_its_code_says(project, code, state):
    with pytest.raises(SystemExit), strongroom.init(id="left"):
        raise SystemExit(code)
    assert strongroom.Api().run("left").state == state


BEATING = """
import threading, time
import strongroom
from strongroom import _heartbeat

_heartbeat.EVERY, counted, beat = 0.05, {}, strongroom.Run._beat

def count(run):
    beat(run)  # what the server refuses raises, and is not counted
    counted[run.id] = counted.get(run.id, 0) + 1

def threads():
    return [thread.name for thread in threading.enumerate()].count("strongroom-heartbeat")

def wait_for(done):
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until
        time.sleep(0.01)

strongroom.Run._beat = count
for _ in range(2):
    with strongroom.init() as one, strongroom.init() as two:
        wait_for(lambda: counted.get(one.id, 0) > 1 and counted.get(two.id, 0) > 1)
        assert threads() == 1
    wait_for(lambda: threads() == 0)
strongroom.init(id="left")
"""


def test_runs_tell_that_they_run_until_they_end(project):
    done = subprocess.run([sys.executable, "-c", BEATING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert strongroom.Api().run("left").state == "finished"


def test_a_run_that_fails_says_so(project):
    def fail() -> None:
        with strongroom.init(id="broken"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert strongroom.Api().run("broken").state == "failed"
    assert strongroom.run is None


def test_the_present_run_is_known_to_the_package(project):
    with strongroom.init() as run:
        assert strongroom.run is run
        logged = strongroom.log_artifact(artifact_of(a=b"1"))
        assert strongroom.use_artifact("data").id == logged.id
    assert strongroom.run is None
    with pytest.raises(StrongroomError, match="init"):
        strongroom.log_artifact(artifact_of(a=b"1"))


def test_who_watches_is_told_where_the_run_and_each_version_are(project, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with strongroom.init() as run:
        logged = run.log_artifact(artifact_of(a=b"1"))
        run.log_artifact(artifact_of(a=b"1"))
    assert sys.stderr.getvalue().splitlines() == [
        f"strongroom: run {run.path}, {run.url}",
        f"strongroom: logged {logged.qualified_name}, {logged.url}",
        f"strongroom: unchanged, still {logged.qualified_name}, {logged.url}",
    ]
    assert run.url.startswith("http")
    assert logged.url.startswith("http")


def test_where_nobody_watches_a_run_says_nothing(project, monkeypatch, capsys):
    with strongroom.init() as run:
        run.log_artifact(artifact_of(a=b"1"))
    assert capsys.readouterr() == ("", "")

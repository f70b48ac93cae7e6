"""The code that pages offer to copy does what it says, against a running server."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from registry.models import Membership
from registry.services import collections, files, keys
from registry.web import snippets
from tests import factories
from tests.wandb import client

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(live_server, people, tmp_path):
    """Run a snippet as its reader would: in a fresh process, in an empty folder, with a key."""
    _, secret = keys.create(factories.actor(people.alice), user=people.alice, name="snippets")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")},
        "STRONGROOM_BASE_URL": live_server.url,
        "STRONGROOM_API_KEY": secret,
        "STRONGROOM_CACHE_DIR": str(tmp_path / "cache"),
        **client.environment(live_server.url, secret, tmp_path),
    }

    def go(snippet: snippets.Snippet) -> None:
        code = snippet.code
        bins = Path(sys.executable).parent
        python = snippet.name in ("strongroom", "wandb")
        command = [sys.executable, "-c", code] if python else shlex.split(code)
        if snippet.name == "CLI":
            command[0] = str(bins / command[0])
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{code}\n{done.stderr}"

    go.folder = tmp_path
    return go


def test_the_first_steps_of_an_empty_project_work(run, people):
    project = factories.project(people, "odd \"name's")
    (run.folder / "data/fashion-mnist").mkdir(parents=True)
    (run.folder / "data/fashion-mnist/a.txt").write_text("a")
    for snippet in snippets.log_first(project):
        run(snippet)
    assert project.collections.get(name="fashion-mnist").version_count == 1
    for snippet in snippets.use_first(project):
        run(snippet)
    used = [row.membership.collection.name for run in project.runs.all() for row in run.inputs.all()]
    assert used == ["fashion-mnist", "fashion-mnist"]
    assert (run.folder / "data/a.txt").read_text() == "a"


def test_the_first_run_and_the_first_version_of_a_collection_work(run, people):
    project = factories.project(people)
    run(snippets.first_run(project)[0])
    assert project.runs.get().summary == {"accuracy": 0.9}
    run(snippets.first_run(project)[1])
    assert project.runs.latest("pk").summary["accuracy"] == 0.9
    made = collections.create(factories.actor(people.alice), project=project, name="fresh", type="dataset")
    (run.folder / "data").mkdir()
    (run.folder / "data/a.txt").write_text("a")
    for snippet in snippets.log_to(made):
        run(snippet)
    # Both clients log the same file: the second finds it there.
    assert [paths_of_number(made, number) for number in (0, 1)] == [["hello.txt"], ["a.txt"]]


def paths_of(made, number):
    """The paths of another version of the same collection."""
    return paths_of_number(made.collection, number)


def paths_of_number(collection, number):
    found = Membership.objects.get(collection=collection, number=number)
    return sorted(entry.path for entry in files.entries(factories.actor(found.version.created_by), found))


def test_the_snippets_of_a_version_work(run, people):
    made = factories.log(people.alice, factories.project(people), "resnet", {"weights.bin": b"w" * 1000})
    for snippet in snippets.use(made) + snippets.read_only(made) + snippets.list_files(made):
        run(snippet)
    assert (run.folder / "model/weights.bin").read_bytes() == b"w" * 1000
    for snippet in snippets.next_version(made):
        run(snippet)
    made.collection.refresh_from_db()
    # Both clients log the same content, so the second makes nothing new.
    assert made.collection.version_count == 2
    assert paths_of(made, 1) == ["changes.txt", "weights.bin"]
    assert made.version.used_by.count() >= 1
    (run.folder / "data").mkdir(exist_ok=True)
    (run.folder / "data/a.txt").write_text("a")
    run(snippets.replace(made)[0])
    assert paths_of(made, 2) == ["a.txt"]


def test_a_heading_on_usage_is_true_of_every_snippet_below_it(people):
    """The command line records no run, and `put` replaces what was there."""
    made = factories.log(people.alice, factories.project(people), "resnet", {"weights.bin": b"w"})
    for below in (snippets.in_run(made), snippets.next_version(made)):
        assert [snippet.name for snippet in below] == ["strongroom", "wandb"]


def test_the_wandb_client_is_set_up_as_shown(run, people, live_server, rf, settings):
    settings.ALLOWED_HOSTS = ["*"]
    request = rf.get("/", headers={"Host": live_server.url.removeprefix("http://")})
    [shown] = snippets.install_wandb(request)
    install, login = shown.code.splitlines()
    assert install == "pip install wandb"
    assert login == f"wandb login --host {live_server.url}"
    # What it reads from the keyboard is in the environment here.
    run(snippets.Snippet("CLI", login))
    assert live_server.url in (run.folder / "config" / "settings").read_text()

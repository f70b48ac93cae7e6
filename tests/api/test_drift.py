"""The drift watch over REST: the same facts, a check, and a version from what is there now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry import queue
from registry.models import ReferenceWatch, Resolution
from registry.services import renewals, resolving
from tests import factories
from tests.api.support import refused
from tests.support.drifting import drifted


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found = []
    monkeypatch.setattr(queue, "send", lambda *given: found.append(given))
    return found


@pytest.fixture
def made(people, project):
    return drifted(people.bob, project)


@pytest.fixture
def at(made, home):
    return f"{home}/collections/linked/versions/v0/drift"


def test_counts_and_rows(bob, at):
    found = bob.get(at).json()
    summary = found["summary"]
    counts = {
        name: summary[name] for name in ("references", "ok", "changed", "missing", "unreachable", "unwatched")
    }
    assert counts == dict.fromkeys(("ok", "changed", "missing", "unreachable", "unwatched"), 1) | {
        "references": 5
    }
    assert (summary["state"], summary["checking"]) == ("missing", False)
    assert [row["path"] for row in found["results"]] == ["changed/000.png", "missing.png", "unreachable.png"]
    row = found["results"][0]
    assert (row["state"], row["digest"], row["size"], row["extra"]) == (
        "changed",
        "another",
        1200,
        {"etag": '"another"'},
    )
    assert row["uri"] == "https://data.example.org/changed/000.png"
    assert row["others"] == 0


def test_rows_are_narrowed_and_paged(bob, at):
    assert [row["path"] for row in bob.get(at, {"state": "missing"}).json()["results"]] == ["missing.png"]
    assert [row["path"] for row in bob.get(at, {"q": "no answer"}).json()["results"]] == ["unreachable.png"]
    first = bob.get(at, {"limit": 2}).json()
    second = bob.get(at, {"limit": 2, "cursor": first["next"]}).json()
    assert [row["path"] for row in first["results"] + second["results"]][-1] == "unreachable.png"
    refused(bob.get(at, {"state": "ok"}), 400, "invalid_query")


def test_a_version_without_references(bob, people, project, home):
    factories.log(people.bob, project, "plain")
    found = bob.get(f"{home}/collections/plain/versions/v0/drift").json()
    assert (found["summary"]["references"], found["results"]) == (0, [])
    refused(bob.post(f"{home}/collections/plain/versions/v0/drift/check"), 400, "invalid_input")


def test_a_check(bob, vera, at, made, sent):
    error = refused(bob.post(f"{at}/check"), 429, "rate_limited")
    assert error["details"]["retry_after"] > 200
    ReferenceWatch.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    answer = bob.post(f"{at}/check")
    assert (answer.status_code, answer.json()["checking"]) == (202, True)
    assert sent == [("references.check", str(made.version_id))]
    refused(vera.post(f"{at}/check"), 403, "forbidden")


def test_a_version_from_what_is_there_now(bob, vera, at):
    refused(vera.post(f"{at}/log"), 403, "forbidden")
    refused(bob.post(f"{at}/log", {"preview": "2020-01-01T00:00:00Z"}), 409, "preview_changed")
    seen = bob.get(at).json()["summary"]["checked_at"]
    answer = bob.post(f"{at}/log", {"preview": seen})
    assert (answer.status_code, answer.json()["created"]) == (201, True)
    assert answer.json()["version"]["version"] == "v1"
    assert bob.post(f"{at}/log").json()["created"] is False


def test_versions_are_found_by_it(bob, at, home):
    found = bob.get(f"{home}/collections/linked/versions", {"q": "drift:missing"}).json()["results"]
    assert [row["version"] for row in found] == ["v0"]


def test_a_large_version_from_what_is_there_now_is_made_by_a_worker(bob, at, made, monkeypatch):
    monkeypatch.setattr(renewals, "MOST_REPLACED", 1)
    answer = bob.post(f"{at}/log")
    assert answer.status_code == 202
    told = answer.json()
    assert (told["state"], told["renews"], told["found"]) == ("committing", made.version.public_id, 0)
    resolution = f"/drafts/{told['draft']}/resolution"
    assert bob.get(resolution).json()["state"] == "committing"
    assert bob.post(f"{at}/log").json()["draft"] == told["draft"]
    refused(
        bob.post(f"/drafts/{told['draft']}/references", {"uri": "hdfs://c/x", "name": "x"}), 409, "conflict"
    )
    resolving.work(Resolution.objects.get().pk)
    assert bob.get(resolution).json()["draft_state"] == "COMMITTED"
    assert bob.post(f"/drafts/{told['draft']}/commit").json()["version"]["version"] == "v1"

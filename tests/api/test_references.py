"""References that the server resolves, over REST: added, listed, followed, tried again, dropped, committed."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.models import Membership, ReferenceOrder, Version
from registry.services import resolving
from tests.api.support import refused
from tests.api.test_lists import names, walked
from tests.factories import log
from tests.services.test_referring import uri


@pytest.fixture
def draft(bob, home):
    return bob.post(f"{home}/drafts", {"collection": "far", "type": "dataset"}).json()["id"]


@pytest.fixture
def here(draft):
    return f"/drafts/{draft}"


def far(bob, here, name="x", **more):
    return bob.post(f"{here}/references", {"uri": f"ftp://example.org/{name}", "name": name, **more})


def pk(draft: str) -> int:
    return Version.objects.get(resolution__isnull=False).pk


def test_a_version_is_logged_with_references_alone(bob, home, draft, here):
    added = far(bob, here, max_objects=5)
    assert added.status_code == 201
    assert added.json() | {"id": 0, "created_at": ""} == {
        "id": 0,
        "uri": "ftp://example.org/x",
        "name": "x",
        "checksum": True,
        "max_objects": 5,
        "state": "waiting",
        "code": None,
        "message": None,
        "found": 0,
        "size": 0,
        "attempts": 0,
        "try_at": None,
        "created_at": "",
        "started_at": None,
        "finished_at": None,
    }
    assert far(bob, here, max_objects=5).status_code == 200
    asked = bob.post(f"{here}/resolution", {"aliases": ["gold"], "tags": ["t"]})
    assert (asked.status_code, asked.json()["state"]) == (202, "resolving")
    assert asked.json()["commit_asked_at"]
    refused(bob.post(f"{here}/commit", {}), 409, "references_pending")
    resolving.work(pk(draft))
    done = bob.get(f"{here}/resolution").json()
    assert (done["state"], done["draft_state"]) == ("committed", "COMMITTED")
    again = bob.post(f"{here}/commit", {}).json()
    assert (again["created"], again["version"]["name"]) == (True, "far:v0")
    assert again["version"]["aliases"] == ["gold", "latest"]


def test_what_is_wrong_is_refused_with_its_code(bob, here):
    refused(bob.post(f"{here}/references", {"uri": "no uri"}), 400, "invalid_uri")
    refused(bob.post(f"{here}/references", {"uri": "s3://bucket/key"}), 403, "reference_refused")
    refused(bob.post(f"{here}/references", {"uri": "file:///etc/passwd"}), 403, "reference_refused")
    refused(bob.post(f"{here}/references", {}), 400, "invalid_input")
    refused(bob.post(f"{here}/references", {"uri": "x:y", "max_objects": 0}), 400, "invalid_input")
    refused(bob.post(f"{here}/references", {"uri": "ftp://h/x", "name": "../x"}), 400, "invalid_path")
    refused(bob.post(f"{here}/resolution", {}), 400, "invalid_input")
    assert not ReferenceOrder.objects.exists()


def test_they_are_listed_narrowed_and_paged(bob, here):
    for name in ("one", "two", "three"):
        far(bob, here, name)
    ReferenceOrder.objects.filter(name="two").update(
        state="failed", code="x", why="y", finished_at="2026-01-01T00:00Z"
    )
    listed = f"{here}/references"
    assert names(bob.get(listed)) == ["one", "two", "three"]
    assert names(bob.get(listed, {"state": "failed"})) == ["two"]
    assert names(bob.get(listed, {"q": "THREE"})) == ["three"]
    assert walked(bob, listed, {"order": "-id"}, "name") == ["three", "two", "one"]
    refused(bob.get(listed, {"state": "odd"}), 400, "invalid_query")


def test_a_list_of_them_takes_as_many_queries_for_many_as_for_one(bob, here):
    counts = []
    for number in (1, 20):
        for n in range(number):
            far(bob, here, f"x{n}")
        with CaptureQueriesContext(connection) as queries:
            bob.get(f"{here}/references")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_failed_one_is_tried_again_and_dropped_by_an_admin_too(alice, bob, vera, draft, here):
    order = bob.post(f"{here}/references", {"uri": "http://localhost/x"}).json()["id"]
    far(bob, here)
    bob.post(f"{here}/resolution", {})
    resolving.work(pk(draft))
    one = f"{here}/references/{order}"
    failed = bob.get(one).json()
    assert (failed["state"], failed["code"]) == ("failed", "reference_refused")
    assert bob.get(f"{here}/resolution").json()["state"] == "failed"
    refused(vera.get(one), 404, "not_found")
    assert alice.post(f"{one}/retry").json() == {"retried": 1}
    assert alice.post(f"{here}/resolution/retry").json() == {"retried": 0}
    refused(alice.post(f"{here}/references", {"uri": "x:y", "name": "x"}), 404, "not_found")
    refused(alice.post(f"{here}/resolution", {}), 404, "not_found")
    assert alice.delete(one).status_code == 204
    refused(bob.get(one), 404, "not_found")
    resolving.work(pk(draft))
    assert Membership.objects.get().name == "far:v0"


def test_versions_that_refer_to_each_other_are_listed_both_ways(bob, people, project, home):
    base = log(people.bob, project, "base")
    log(people.bob, project, "made", {}, references={"r": uri(base)})
    versions = f"{home}/collections"
    assert names(bob.get(f"{versions}/made/versions/v0/references")) == ["base:v0"]
    assert names(bob.get(f"{versions}/base/versions/v0/referenced-by")) == ["made:v0"]
    assert names(bob.get(f"{versions}/base/versions/v0/references")) == []
    told = bob.get(f"{versions}/base/versions/v0/deletion").json()
    assert told["referenced_by_count"] == 1

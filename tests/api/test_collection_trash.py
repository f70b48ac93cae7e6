"""A deleted collection is listed and comes back whole."""

from __future__ import annotations

import pytest

from tests import factories
from tests.api.support import refused


@pytest.fixture
def resnet(people, project, home):
    factories.log(people.alice, project, aliases=["prod"])
    factories.log(people.alice, project)
    return f"{home}/collections/resnet"


def test_a_collection_is_listed_in_the_trash_and_comes_back_whole(alice, home, resnet):
    assert alice.delete(f"{resnet}?delete_aliases=true").status_code == 204
    [row] = alice.get(f"{home}/trash/collections").json()["results"]
    assert (row["collection"]["name"], row["versions"]) == ("resnet", 2)
    assert row["deleted_at"] < row["purge_at"]
    back = alice.post(f"{resnet}/restore").json()
    assert (back["versions"], sorted(back["aliases_back"]), back["kept"]) == (2, ["latest", "prod"], 0)
    assert back["collection"]["version_count"] == 2
    assert alice.get(f"{resnet}/versions/latest").json()["version"] == "v1"
    assert alice.get(f"{home}/trash/collections").json()["results"] == []
    refused(alice.post(f"{resnet}/restore"), 409, "not_in_trash")
    refused(alice.post(f"{home}/collections/nothing/restore"), 404, "not_found")


def test_a_project_in_the_trash_is_deleted_for_good(alice, bob, home, resnet, people, project):
    refused(alice.post(f"{home}/purge"), 409, "not_in_trash")
    assert alice.delete(f"{home}?delete_aliases=true").status_code == 204
    refused(bob.post(f"{home}/purge"), 403, "forbidden")
    assert alice.post(f"{home}/purge").json() == {"purged": 2, "kept": 0}
    refused(alice.post(f"{home}/purge"), 410, "gone")
    refused(alice.post(f"{home}/restore"), 410, "gone")


def test_a_draft_says_the_type_that_it_was_begun_for(alice, bob, home):
    for who, kind in ((alice, "model"), (bob, "dataset")):
        draft = who.post(f"{home}/drafts", {"collection": "new", "type": kind}).json()
        assert draft["type"] == kind
        assert who.get(f"/drafts/{draft['id']}").json()["type"] == kind

"""The stored bytes by collection and by version, as scripts list them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.models import VersionShare
from registry.services import projects, survey
from tests import factories as make
from tests.api.support import refused
from tests.api.test_lists import check_orders, names

pytestmark = pytest.mark.django_db


@pytest.fixture
def storage(people, project):
    """Three versions of two collections: one shares all of its bytes, another has some of its own."""
    other = projects.create(make.actor(people.alice), entity=people.team.entity, name=make.unique("other"))
    make.log(people.alice, project, "big", {"a": b"a" * 1000, "s": b"s" * 300})
    make.log(people.alice, project, "big", {"s": b"s" * 300})
    make.log(people.alice, other, "small", {"s": b"s" * 300, "b": b"b" * 20})
    survey.count(people.team.entity)
    for at, share in enumerate(VersionShare.objects.order_by("pk")):
        share.idle_since -= timedelta(days=at)
        share.save()
    return f"/entities/{people.team.entity.name}/storage"


def test_versions_by_what_they_alone_use(alice, project, storage):
    rows = alice.get(f"{storage}/versions").json()["results"]
    assert [(row["collection"], row["version"], row["size"], row["alone"]) for row in rows] == [
        ("big", "v0", 1300, 1000),
        ("small", "v0", 320, 20),
        ("big", "v1", 300, 0),
    ]
    assert rows[0]["project"] == project.name
    assert rows[0]["used"] is False
    assert names(alice.get(f"{storage}/versions", {"q": "BIG:v1"}), "size") == [300]
    assert names(alice.get(f"{storage}/versions", {"project": project.name}), "alone") == [1000, 0]
    assert names(alice.get(f"{storage}/versions", {"order": "idle_since"}), "size")[0] == 320
    check_orders(alice, f"{storage}/versions", ("-alone", "size", "idle_since"), "size")


def test_collections_by_what_they_reach(alice, people, storage):
    rows = alice.get(f"{storage}/collections").json()["results"]
    assert [(row["collection"], row["versions"], row["stored"], row["alone"]) for row in rows] == [
        ("big", 2, 1300, 1000),
        ("small", 1, 320, 20),
    ]
    assert names(alice.get(f"{storage}/collections", {"q": "MALL"}), "collection") == ["small"]
    check_orders(alice, f"{storage}/collections", ("-stored", "alone", "name"), "collection")


def test_of_what_one_does_not_see_nothing_is_listed(bob, charlie, storage):
    assert len(bob.get(f"{storage}/versions").json()["results"]) == 3
    for what in ("versions", "collections"):
        refused(charlie.get(f"{storage}/{what}"), 404, "not_found")

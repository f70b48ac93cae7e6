"""Metadata may have eight megabytes: acts on many versions, and lists of their names, leave it in the database."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import Collection, Version
from registry.services import collections, many, retention
from tests import factories as make

pytestmark = pytest.mark.django_db
VERSIONS, HEAVY = 24, {"x": ["a" * 1000] * 1000}
MIB = 1024**2


@pytest.fixture
def place(people, project):
    for n in range(VERSIONS):
        make.log(people.bob, project, "heavy", files={"a": b"%d" % n}, metadata={**HEAVY, "n": n}, ttl=3600)
    return Collection.objects.get(name="heavy")


def peak(act) -> int:
    """Return how many bytes an act takes at most; all versions together have 24 MB."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_versions_expire(place):
    Version.objects.update(created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now())
    assert peak(retention.expire_due) < 12 * MIB
    assert Version.objects.filter(state="DELETED").count() == VERSIONS


def test_many_are_chosen_changed_deleted_and_restored(bob, place):
    numbers = range(VERSIONS)
    assert peak(lambda: many.set_ttl(bob, collection=place, numbers=numbers, ttl="never")) < 12 * MIB
    assert peak(lambda: many.delete(bob, collection=place, numbers=numbers, delete_aliases=True)) < 12 * MIB


def test_a_collection_comes_back(bob, place):
    collections.delete(bob, collection=place, delete_aliases=True)
    gone = collections.find_deleted(bob, place.project, "heavy")
    assert peak(lambda: collections.restore(bob, collection=gone)) < 12 * MIB


@pytest.mark.parametrize("path", ["{0}/complete?q=metadata.", "{1}/compare?a=heavy:v0&b=heavy:v1"])
def test_pages_that_offer_names_do_not_read_them_all(people, client, place, path):
    client.force_login(people.bob)
    address = path.format(place.get_absolute_url(), place.project.get_absolute_url())
    assert client.get(address).status_code == 200
    assert peak(lambda: client.get(address)) < 60 * MIB

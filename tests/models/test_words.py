"""The index of words is filled with what an older installation has."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from registry.models import CollectionWords, VersionWords, words
from registry.services import collections, projects, search
from tests import factories

pytestmark = pytest.mark.django_db
migration = import_module("registry.migrations.0015_search_names")


def test_what_is_there_is_indexed_as_if_it_were_written_now():
    people = factories.people()
    place, alice = factories.project(people), factories.actor(people.alice)
    told = factories.log(people.alice, place, "told", metadata={"opt": "adamw"}, description="Ground")
    silent = factories.log(people.alice, place, "silent-one", aliases=["gold"], tags=["second pass"])
    projects.edit(alice, project=place, description="Steel")
    collections.edit(alice, collection=told.collection, tags=["night"], description="Polished")
    with connection.cursor() as cursor:
        words.drop(cursor)
        words.create(cursor, connection.vendor)
    migration.fill(apps, None)
    assert set(VersionWords.objects.values_list("pk", flat=True)) == {told.pk, silent.pk}
    assert set(CollectionWords.objects.values_list("pk", flat=True)) == {
        told.collection_id,
        silent.collection_id,
    }
    assert search.listing(alice, "versions", "silent gol pass v0")[:2] == [silent]
    assert search.listing(alice, "collections", "one silent")[:2] == [silent.collection]
    assert search.listing(alice, "projects", "steel")[0:2][0] == place
    assert search.listing(alice, "contents", "ground adamw")[:2] == [told]
    assert search.listing(alice, "cards", "night polished")[:2] == [told.collection]

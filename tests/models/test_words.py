"""The index of words is filled with what an older installation has."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from registry.models import CollectionWords, VersionWords, words
from registry.services import collections, search
from tests import factories

pytestmark = pytest.mark.django_db
migration = import_module("registry.migrations.0012_what_cards_say_is_found")


def test_what_is_there_is_indexed_as_if_it_were_written_now():
    people = factories.people()
    place, alice = factories.project(people), factories.actor(people.alice)
    told = factories.log(people.alice, place, "told", metadata={"opt": "adamw"}, description="Ground")
    factories.log(people.alice, place, "silent")
    collections.edit(alice, collection=told.collection, tags=["night"], description="Polished")
    with connection.cursor() as cursor:
        words.drop(cursor)
        words.create(cursor, connection.vendor)
    migration.fill(apps, None)
    assert list(VersionWords.objects.values_list("pk", flat=True)) == [told.pk]
    assert list(CollectionWords.objects.values_list("pk", flat=True)) == [told.collection_id]
    assert search.contents(alice, "ground adamw")[:2] == [told]
    assert search.cards(alice, "night polished")[:2] == [told.collection]

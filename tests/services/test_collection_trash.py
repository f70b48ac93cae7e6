"""A collection is deleted and brought back as a whole, at the price of a few queries."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.errors import Forbidden, Gone, NameTaken, NotFound, NotInTrash
from registry.models import Alias, Collection, Event, Membership, Team, Version
from registry.services import aliases, collections, drafts, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


def log(people, project, count: int, name: str = "resnet") -> Collection:
    for number in range(count):
        logged = make.log(
            people.bob, project, name, files={}, references={"x": f"s3://b/{number}"}, aliases=[f"a{number}"]
        )
    return logged.collection


def queries_of(act) -> int:
    with CaptureQueriesContext(connection) as done:
        act()
    return len(done)


def test_deleting_and_restoring_costs_the_same_for_one_version_and_for_twenty(people, project, bob):
    few, many = log(people, project, 1, "few"), log(people, project, 20, "many")
    costs: list[list[int]] = [[], []]
    for which in (few, many):
        costs[0].append(queries_of(partial(collections.delete, bob, collection=which, delete_aliases=True)))
    for which in (few, many):
        costs[1].append(queries_of(partial(collections.restore, bob, collection=which)))
    assert costs[0][0] == costs[0][1] <= 24
    assert costs[1][0] == costs[1][1] <= 29


def test_no_card_is_read_to_delete_a_collection(people, project, bob):
    collection = log(people, project, 3)
    with CaptureQueriesContext(connection) as done:
        collections.delete(bob, collection=collection, delete_aliases=True)
    reads = [query["sql"] for query in done.captured_queries if query["sql"].startswith("SELECT")]
    assert any("registry_version" in sql for sql in reads)
    assert not [sql for sql in reads if "metadata" in sql or '"registry_version"."description"' in sql]


def test_a_restored_collection_has_all_that_was_deleted_with_it_and_nothing_else(people, project, bob):
    collection = log(people, project, 4)
    before = dict(Alias.objects.values_list("name", "membership__number"))
    alone = versions.find(bob, collection, "v1")
    versions.delete(bob, membership=alone, delete_aliases=True)
    collections.delete(bob, collection=collection, delete_aliases=True)
    assert not Alias.objects.exists()
    assert Collection.objects.get().version_count == 0
    deleted = collections.find_deleted(bob, project, "resnet")
    back = collections.restore(bob, collection=deleted)
    assert (back.collection, back.versions) == (collection, 3)
    assert sorted(back.aliases_back) == sorted(set(before) - {"a1"})
    del before["a1"]
    assert dict(Alias.objects.values_list("name", "membership__number")) == before
    assert Collection.objects.get().version_count == 3
    assert Version.objects.get(state="DELETED").pk == alone.version_id
    assert Event.objects.filter(act="version.restore").count() == 3
    assert Event.objects.filter(act="collection.restore").count() == 1
    assert trash.restore(bob, membership=alone).aliases_back == ["a1"]


def test_what_is_not_deleted_or_deleted_for_too_long_does_not_come_back(people, project, bob):
    collection = log(people, project, 1)
    with pytest.raises(NotInTrash):
        collections.restore(bob, collection=collection)
    assert collections.find_deleted(bob, project, "resnet") == collection
    with pytest.raises(NotFound):
        collections.find_deleted(bob, project, "nothing")
    collections.delete(bob, collection=collection, delete_aliases=True)
    Collection.objects.update(purge_at=timezone.now())
    with pytest.raises(Gone):
        collections.restore(bob, collection=Collection.objects.get())


def test_a_name_that_was_taken_meanwhile_is_said(people, project, bob):
    old = log(people, project, 1)
    collections.delete(bob, collection=old, delete_aliases=True)
    log(people, project, 1)
    with pytest.raises(NameTaken, match="Rename"):
        collections.restore(bob, collection=old)
    assert Membership.objects.committed().count() == 1


def test_a_name_that_somebody_is_logging_to_for_the_first_time_is_said(people, project, bob):
    """Nobody sees what is only begun: to say "another collection has its name" would send people looking."""
    old = log(people, project, 1)
    collections.delete(bob, collection=old, delete_aliases=True)
    draft, _ = drafts.begin(make.actor(people.alice), project=project, collection="resnet", type="model")
    other = log(people, project, 1, "other")
    with pytest.raises(NameTaken, match="first version of a new collection resnet"):
        collections.restore(bob, collection=old)
    with pytest.raises(NameTaken, match="first version of a new collection resnet"):
        collections.edit(bob, collection=other, name="resnet")
    drafts.abandon(make.actor(people.alice), draft=draft)
    assert collections.restore(bob, collection=old).versions == 1


def test_the_trash_lists_collections_that_can_come_back_with_how_many_versions(people, project, bob):
    few, many = log(people, project, 1, "few"), log(people, project, 3, "many")
    versions.delete(bob, membership=versions.find(bob, many, "v0"), delete_aliases=True)
    for each in (few, many):
        collections.delete(bob, collection=each, delete_aliases=True)
    rows = collections.deleted(bob, project=project).order_by("name")
    assert [(row.name, row.restorable_count) for row in rows] == [("few", 1), ("many", 2)]
    with pytest.raises(NotFound):
        collections.deleted(make.actor(people.charlie), project=project)
    Collection.objects.update(purge_at=timezone.now())
    assert not collections.deleted(bob, project=project)


def test_restoring_a_collection_is_for_members_and_a_silent_change_of_ttl_for_who_may(people, project, bob):
    collection = log(people, project, 2)
    Version.objects.update(
        ttl_kind="duration",
        ttl_seconds=60,
        created_at=timezone.now() - timedelta(days=1),
        expires_at=timezone.now() - timedelta(days=1) + timedelta(seconds=60),
    )
    collections.delete(bob, collection=collection, delete_aliases=True)
    for user, error in ((people.vera, Forbidden), (people.charlie, NotFound)):
        with pytest.raises(error):
            collections.restore(make.actor(user), collection=collection)
    Team.objects.update(ttl_editors="admins")
    with pytest.raises(Forbidden, match="expired"):
        collections.restore(bob, collection=collection)
    assert Collection.objects.get().deleted_at is not None
    assert collections.restore(make.actor(people.alice), collection=collection).kept == 2
    assert set(Version.objects.values_list("ttl_kind", flat=True)) == {"never"}


def test_a_deleted_collection_takes_nothing_more(people, project, bob):
    collection = log(people, project, 1)
    member = versions.find(bob, collection, "v0")
    collections.delete(bob, collection=collection, delete_aliases=True)
    with pytest.raises(NotFound):
        aliases.move(bob, membership=member, name="x")

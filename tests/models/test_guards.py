"""What only triggers can refuse: each guard is broken on purpose."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from registry.models import (
    Alias,
    AliasMove,
    Collection,
    Event,
    EventSeal,
    Membership,
    Version,
    VersionTag,
    chain,
    guards,
)
from registry.services import trash, versions
from tests import factories as make
from tests.support.sealing import seal_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    people = make.people()
    project = make.project(people)
    first = make.log(people.bob, project, "one", files={"a": b"1"}, aliases=["gold"])
    second = make.log(people.bob, project, "two", files={"a": b"2"})
    strangers = make.people()
    elsewhere = make.log(strangers.bob, make.project(strangers), "three", files={"a": b"3"})
    seal_now()
    return {"bob": make.actor(people.bob), "first": first, "second": second, "elsewhere": elsewhere}


def other_manifest(world):
    return Version.objects.filter(pk=world["first"].version_id).update(
        manifest=world["second"].version.manifest_id
    )


BREAK = {
    "event_not_changed": lambda w: Event.objects.filter(act="version.log").update(actor_name="somebody else"),
    "event_not_deleted": lambda w: Event.objects.all()._raw_delete("default"),
    "event_seal_not_changed": lambda w: EventSeal.objects.filter(position=1).update(hash=b"0" * 32),
    "event_seal_not_deleted": lambda w: EventSeal.objects.filter(position=1)._raw_delete("default"),
    "event_seal_follows_the_last": lambda w: EventSeal.objects.create(
        position=EventSeal.objects.count() + 2, event_id=0, hash=b"0" * 32
    ),
    "alias_move_not_changed": lambda w: AliasMove.objects.update(number=7),
    "alias_move_not_deleted": lambda w: AliasMove.objects.all()._raw_delete("default"),
    "alias_set_in_own_collection": lambda w: Alias.objects.create(
        collection=w["first"].collection, membership=w["second"], name="x"
    ),
    "alias_moved_in_own_collection": lambda w: Alias.objects.filter(membership=w["first"]).update(
        membership=w["second"]
    ),
    "version_content_not_changed": other_manifest,
    "version_logged_to_a_sequence": lambda w: Version.objects.create(
        sequence=Collection.objects.create(
            project=w["first"].collection.project,
            type=w["first"].collection.type,
            name="links",
            kind="portfolio",
        )
    ),
    "version_set_with_own_content": lambda w: Version.objects.create(
        sequence=w["elsewhere"].collection, manifest=w["first"].version.manifest
    ),
    "version_given_own_content": lambda w: Version.objects.filter(
        pk=Version.objects.create(sequence=w["elsewhere"].collection).pk
    ).update(manifest=w["first"].version.manifest),
    "collection_set_in_own_project": lambda w: Collection.objects.create(
        project=w["first"].collection.project, type=w["elsewhere"].collection.type, name="x"
    ),
    "collection_moved_in_own_project": lambda w: Collection.objects.filter(
        pk=w["first"].collection_id
    ).update(type=w["elsewhere"].collection.type),
    "membership_not_changed": lambda w: Membership.objects.filter(pk=w["first"].pk).update(number=7),
    "version_tag_set_in_own_sequence": lambda w: VersionTag.objects.create(
        version=w["first"].version, sequence=w["second"].collection, name="x"
    ),
    "version_tag_moved_in_own_sequence": lambda w: VersionTag.objects.filter(
        version=VersionTag.objects.create(
            version=w["first"].version, sequence=w["first"].collection, name="x"
        ).version
    ).update(sequence=w["second"].collection),
    "link_stands_in_a_portfolio": lambda w: Membership.objects.create(
        collection=w["second"].collection, version=w["first"].version, number=7
    ),
    "numbers_not_given_again": lambda w: Collection.objects.filter(pk=w["first"].collection_id).update(
        next_number=0, version_count=0
    ),
}


@pytest.mark.parametrize("guard", guards.GUARDS, ids=lambda guard: guard.name)
def test_each_guard_refuses_what_it_is_for(world, guard):
    with pytest.raises(IntegrityError, match=guard.message), transaction.atomic():
        BREAK[guard.name](world)


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "0" * 32},
        {"size": 7},
        {"file_count": 7},
        {"commit_hash": "0" * 40},
        {"manifest": None},
        {"state": "PENDING"},
        {"committed_at": None},
        {"state": "DELETED", "deleted_at": timezone.now(), "digest": "0" * 32},
    ],
)
def test_no_part_of_a_committed_content_changes(world, change):
    with pytest.raises(IntegrityError), transaction.atomic():
        Version.objects.filter(pk=world["first"].version_id).update(**change)


def test_the_content_in_the_trash_does_not_change_but_goes_with_the_purge(world):
    versions.delete(world["bob"], membership=world["first"], delete_aliases=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        other_manifest(world)
    trash.restore(world["bob"], membership=world["first"])
    versions.delete(world["bob"], membership=world["first"], delete_aliases=True)
    assert trash.purge_due(at=timezone.now() + timedelta(days=8)) == 1


def test_the_guards_can_be_removed_and_set_again(world):
    with connection.cursor() as cursor:
        guards.remove(cursor, connection.vendor)
        assert BREAK["event_not_changed"](world) == 3
        guards.apply(cursor, connection.vendor)
    with pytest.raises(IntegrityError), transaction.atomic():
        BREAK["event_not_changed"](world)


def test_the_database_has_every_guard():
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }
    with connection.cursor() as cursor:
        cursor.execute(query[connection.vendor])
        wanted = {guard.name for guard in guards.GUARDS}
        if connection.vendor == "postgresql":
            wanted |= chain.TRIGGERS
        assert {name for (name,) in cursor.fetchall()} == wanted


@pytest.mark.django_db(transaction=True)
def test_tests_with_transactions_of_their_own_empty_the_events():
    make.user()
    assert Event.objects.count() == 1

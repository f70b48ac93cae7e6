"""Warnings of damage: raised by checks and by reads, ended by a clean check or by an admin who takes note."""

from __future__ import annotations

import pytest

from registry import storage
from registry.models import Blob, Event
from registry.services import alarms
from tests import factories as make
from tests.services.test_fsck import check, fill, own_store  # noqa: F401  # fixtures

pytestmark = pytest.mark.django_db


def test_admins_are_warned_until_it_is_right_or_noted():
    people = make.people()
    fill(people, versions=1, files=2)
    root = make.actor(people.root)
    check()
    assert alarms.current(root) is None
    kept = Blob.objects.first()
    Blob.objects.all().filter(pk=kept.pk).delete()
    check()
    assert alarms.current(root) == (False, True)
    assert alarms.current(make.actor(people.alice)) is None
    alarms.acknowledge(root)
    assert alarms.current(root) is None
    assert Event.objects.filter(act="store.acknowledge").count() == 1
    # Nothing new: the same thing is found again, and was taken note of.
    check()
    assert alarms.current(root) is None
    other = Blob.objects.first()
    other.delete()
    check()
    assert alarms.current(root) == (False, True)
    Blob.objects.bulk_create([kept, other])
    check(part=1, parts=2)
    assert alarms.current(root) is not None
    check()
    assert alarms.current(root) is None


def test_a_read_that_finds_damage_warns_too():
    people = make.people()
    fill(people, versions=1, files=2)
    root = make.actor(people.root)
    check()
    storage.mark_damaged(Blob.objects.select_related("object").first())
    assert alarms.current(root) == (True, False)
    alarms.acknowledge(root)
    assert alarms.current(root) is None
    check()
    assert not Blob.objects.filter(damaged_at__isnull=False).exists()

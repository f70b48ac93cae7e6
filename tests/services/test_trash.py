"""The trash: what was deleted comes back with its aliases, until it is purged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Forbidden, Gone, NotFound, NotInTrash
from registry.models import Alias, Collection, Event, Team, Version, VersionTag
from registry.services import aliases, files, retention, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, files={"a": b"0"}, aliases=["gold", "silver"], tags=["ok"])


@pytest.fixture
def v1(people, project, v0):
    return make.log(people.bob, project, files={"a": b"1"})


def delete(who, membership):
    versions.delete(who, membership=membership, delete_aliases=True)


def test_a_restored_version_has_everything_it_had(bob, v0):
    before = Version.objects.values().get(pk=v0.version_id)
    delete(bob, v0)
    assert trash.restore(bob, membership=v0).aliases_back == ["gold", "latest", "silver"]
    after = Version.objects.values().get(pk=v0.version_id)
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert list(VersionTag.objects.values_list("name", flat=True)) == ["ok"]
    assert set(Alias.objects.values_list("created_by", flat=True)) == {bob.user.pk}
    assert files.content(bob, v0, "a")[0].path == "a"


def test_an_alias_that_moved_on_is_reported_and_not_stolen(bob, v0, v1):
    delete(bob, v0)
    aliases.move(bob, membership=v1, name="gold")
    done = trash.restore(bob, membership=v0)
    assert (done.aliases_back, done.aliases_moved_on) == (["silver"], [("gold", "v1")])
    assert Alias.objects.get(name="gold").membership == v1
    assert Event.objects.get(act="version.restore").after == {
        "aliases": ["silver"],
        "moved_on": ["gold"],
        "ttl": "unchanged",
    }


def test_what_is_not_in_the_trash_is_not_restored(bob, v0):
    with pytest.raises(NotInTrash):
        trash.restore(bob, membership=v0)
    delete(bob, v0)
    trash.restore(bob, membership=v0)
    with pytest.raises(NotInTrash):
        trash.restore(bob, membership=v0)
    assert Event.objects.filter(act="version.restore").count() == 1


def test_the_trash_lists_what_can_be_restored_last_deleted_first(people, project, bob, v0, v1):
    delete(bob, v0)
    delete(bob, v1)
    rows = list(trash.listing(bob, project=project))
    assert [row.number for row in rows] == [1, 0]
    assert rows[0].version.deleted_by == people.bob
    with pytest.raises(NotFound):
        trash.listing(make.actor(people.charlie), project=project)


def test_purging_waits_for_the_trash_period_and_claims_once(bob, v0, settings):
    delete(bob, v0)
    due = Version.objects.get(pk=v0.version_id).purge_at
    assert due - timezone.now() > timedelta(days=settings.TRASH_DAYS, minutes=-1)
    assert trash.purge_due(at=due - timedelta(seconds=1)) == 0
    assert trash.purge_due(at=due) == 1
    assert trash.purge_due(at=due) == 0
    assert Event.objects.filter(act="version.purge").count() == 1
    with pytest.raises(Gone):
        trash.restore(bob, membership=v0)
    kept = Version.objects.get(pk=v0.version_id)
    assert (kept.manifest, kept.lost_aliases, kept.purged_at) == (None, [], due)
    assert not VersionTag.objects.exists()


def test_a_purge_that_comes_a_moment_after_a_restore_takes_nothing(bob, v0, monkeypatch):
    delete(bob, v0)
    due = Version.objects.get(pk=v0.version_id).purge_at
    read = type(Version.objects.all()).purgeable

    def purgeable(rows, at):
        found = read(rows, at)
        if Version.objects.filter(state="DELETED").exists() and not listed:
            listed.extend(found)
            trash.restore(bob, membership=v0)
        return found

    listed: list[Version] = []
    monkeypatch.setattr(type(Version.objects.all()), "purgeable", purgeable)
    assert trash.purge_due(at=due) == 0
    assert listed
    assert versions.find(bob, v0.collection, "v0") == v0


def test_all_that_is_due_is_purged_in_one_go_however_many(bob, people, project, monkeypatch):
    monkeypatch.setattr(trash, "_BATCH", 3)
    for number in range(8):
        delete(bob, make.log(people.bob, project, files={"a": b"%d" % number}))
    assert trash.purge_due(at=timezone.now() + timedelta(days=8)) == 8


def test_a_restored_expired_version_is_kept(bob, people, project, monkeypatch):
    logged = make.log(people.bob, project, ttl=60, aliases=["gold"])
    later = timezone.now() + timedelta(minutes=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert retention.expire_due() == 1
    done = trash.restore(bob, membership=logged)
    assert (done.kept, done.aliases_back) == (True, ["gold", "latest"])
    assert retention.effective(done.membership).seconds is None
    assert retention.expire_due(at=later) == 0


def test_counts_follow_deletion_and_restoring(bob, v0, v1):
    def count():
        return Collection.objects.get(pk=v0.collection_id).version_count

    delete(bob, v0)
    assert count() == 1
    trash.restore(bob, membership=v0)
    assert count() == 2
    delete(bob, v0)
    trash.purge_due(at=timezone.now() + timedelta(days=8))
    assert count() == 1


def test_deleting_and_restoring_is_for_members(people, bob, v0):
    delete(bob, v0)
    for user, error in ((people.vera, Forbidden), (people.charlie, NotFound)):
        with pytest.raises(error):
            trash.restore(make.actor(user), membership=v0)


def test_whether_a_restored_version_is_kept_is_judged_by_what_is_due_now(people, project, bob, alice):
    """Deleted by a person, it would expire in the next minute; expired, it may have a longer policy by now."""
    made = timezone.now() - timedelta(hours=1)
    first, second = (make.log(people.bob, project, files={"a": b"%d" % n}) for n in range(2))
    Version.objects.update(created_at=made)
    retention.set_policy(alice, target=project, ttl=60)
    delete(bob, first)
    assert retention.expire_due() == 1
    assert trash.restore(bob, membership=first).kept
    assert Version.objects.get(pk=first.version_id).ttl_kind == "never"
    retention.set_policy(alice, target=project, ttl=7200)
    assert not trash.restore(bob, membership=second).kept
    assert Version.objects.get(pk=second.version_id).ttl_kind == "inherit"


def test_an_alias_that_comes_back_spares_what_inherits(people, project, bob, alice, v0):
    Version.objects.update(created_at=timezone.now() - timedelta(hours=1))
    retention.set_policy(alice, target=project, ttl=60)
    delete(bob, v0)
    assert not trash.restore(bob, membership=v0).kept


def test_restoring_what_expired_needs_the_right_to_set_its_time_to_live(people, project, bob, alice, v0):
    Version.objects.update(
        ttl_kind="duration",
        ttl_seconds=60,
        created_at=timezone.now() - timedelta(minutes=2),
        expires_at=timezone.now() - timedelta(minutes=1),
    )
    assert retention.expire_due() == 1
    Team.objects.update(ttl_editors="admins")
    with pytest.raises(Forbidden, match="expired"):
        trash.restore(bob, membership=v0)
    kept = Version.objects.get()
    assert (kept.state, kept.ttl_kind, Alias.objects.count()) == ("DELETED", "duration", 0)
    assert trash.restore(alice, membership=v0).kept

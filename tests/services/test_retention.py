"""Time-to-live: which one counts, what is spared, and what expires when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Forbidden, InvalidTtl, NotFound
from registry.models import Collection, Event, Membership, Project, Team, TtlPolicy, Version
from registry.services import aliases, collections, expiring, retention, versions
from tests import factories as make

pytestmark = pytest.mark.django_db
HOUR, DAY = 3600, 86400


@pytest.fixture
def v0(people, project):
    logged = make.log(people.bob, project, files={"a": b"0"})
    return Membership.objects.for_listing().get(pk=logged.pk)


def place(v0, name):
    return {
        "collection": v0.collection,
        "project": v0.collection.project,
        "team": v0.collection.project.entity,
    }[name]


def expired(seconds: int) -> int:
    return retention.expire_due(at=timezone.now() + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("own", "nearest", "middle", "farthest", "seconds", "origin"),
    [
        ("inherit", None, None, None, None, "none"),
        ("inherit", None, None, HOUR, HOUR, "team"),
        ("inherit", None, DAY, HOUR, DAY, "project"),
        ("inherit", 60, DAY, HOUR, 60, "collection"),
        ("inherit", "never", DAY, HOUR, None, "collection"),
        ("inherit", None, "never", HOUR, None, "project"),
        ("never", 60, 60, 60, None, "version"),
        (DAY, 60, 60, 60, DAY, "version"),
        (60, "never", "never", "never", 60, "version"),
    ],
)
def test_the_nearest_time_to_live_counts(alice, bob, v0, own, nearest, middle, farthest, seconds, origin):
    for name, ttl in (("collection", nearest), ("project", middle), ("team", farthest)):
        if ttl is not None:
            retention.set_policy(alice, target=place(v0, name), ttl=ttl)
    row = versions.edit(bob, membership=v0, ttl=own)
    found = retention.effective(row)
    assert (found.seconds, found.origin) == (seconds, origin)
    assert found.expires_at == (row.version.created_at + timedelta(seconds=seconds) if seconds else None)
    if seconds:
        assert retention.expire_due(at=found.due_at - timedelta(microseconds=1)) == 0
        assert retention.expire_due(at=found.due_at) == 1
        assert Version.objects.get(pk=row.version_id).deletion_cause == "expiry"
    assert retention.expire_due(at=timezone.now() + timedelta(days=4000)) == 0


def test_a_policy_that_is_taken_away_leaves_the_next(alice, v0):
    for name, ttl in (("team", DAY), ("project", HOUR), ("project", "inherit")):
        retention.set_policy(alice, target=place(v0, name), ttl=ttl)
    assert retention.effective(v0).origin == "team"
    told = Event.objects.filter(act="ttl_policy.set").order_by("id").values_list("before", "after")
    assert list(told) == [("inherit", DAY), ("inherit", HOUR), (HOUR, "inherit")]


def test_a_place_that_is_deleted_meanwhile_gets_no_policy(bob, alice, v0):
    asked = v0.collection
    collections.delete(bob, collection=Collection.objects.get(pk=asked.pk), delete_aliases=True)
    with pytest.raises(NotFound):
        retention.set_policy(alice, target=asked, ttl=60)
    assert not TtlPolicy.objects.exists()


def test_a_policy_counts_for_existing_and_for_future_versions(people, alice, v0):
    retention.set_policy(alice, target=place(v0, "project"), ttl=60)
    make.log(people.bob, v0.collection.project, files={"a": b"1"})
    assert expired(120) == 2


def test_an_inherited_time_to_live_spares_what_holds_an_alias(people, alice, bob, v0):
    retention.set_policy(alice, target=place(v0, "team"), ttl=60)
    assert retention.effective(v0).kept_because is None, "latest alone spares nothing"
    aliases.move(bob, membership=v0, name="prod")
    assert retention.effective(v0).kept_because == "alias"
    assert expired(120) == 0
    Team.objects.update(inherited_ttl_spares_aliased=False)
    assert retention.effective(v0).kept_because is None
    assert expired(120) == 1


def test_a_time_to_live_set_on_the_version_is_not_spared(bob, v0):
    aliases.move(bob, membership=v0, name="prod")
    versions.edit(bob, membership=v0, ttl=60)
    assert expired(120) == 1


def test_a_version_linked_into_a_registry_never_expires(people, bob, v0):
    v0 = versions.edit(bob, membership=v0, ttl=60)
    home = Project.objects.create(
        entity=people.organization.entity, name="wandb-registry-model", kind="registry"
    )
    portfolio = home.collections.create(
        type=home.types.create(name="model"),
        name="portfolio",
        kind="portfolio",
        next_number=1,
        version_count=1,
    )
    link = Membership.objects.create(collection=portfolio, version=v0.version, number=0)
    assert retention.effective(v0).kept_because == "linked"
    assert retention.effective(v0).expires_at is not None
    assert expired(DAY) == 0
    link.delete()
    assert expired(DAY) == 1


@pytest.mark.parametrize("change", ["never", "alias", "policy"])
def test_a_change_a_second_before_wins(people, alice, bob, v0, monkeypatch, change):
    """Between the gathering of what is due and the lock, somebody changes their mind."""
    retention.set_policy(alice, target=place(v0, "collection"), ttl=60)
    acts = {
        "never": lambda: versions.edit(bob, membership=v0, ttl="never"),
        "alias": lambda: aliases.move(bob, membership=v0, name="keep"),
        "policy": lambda: retention.set_policy(alice, target=place(v0, "collection"), ttl="never"),
    }
    gathered = expiring.due

    def due(ids, at):
        found = gathered(ids, at)
        assert found == [v0.pk]
        acts[change]()
        return found

    monkeypatch.setattr(expiring, "due", due)
    assert expired(120) == 0


def test_a_clock_that_goes_back_fires_nothing_early(bob, v0):
    versions.edit(bob, membership=v0, ttl=60)
    assert expired(-DAY) == 0
    assert expired(59 - 5) == 0
    assert expired(61) == 1
    assert expired(-DAY) == 0


def test_expiring_twice_is_expiring_once(bob, v0):
    versions.edit(bob, membership=v0, ttl=60)
    assert (expired(120), expired(120)) == (1, 0)
    event = Event.objects.get(act="version.expire")
    assert (event.actor_name, event.door, event.before) == ("strongroom", "worker", {"aliases": ["latest"]})


def test_more_than_a_batch_expires_in_one_go(people, project, monkeypatch):
    monkeypatch.setattr(expiring, "_READ", 5)
    monkeypatch.setattr(expiring, "_BATCH", 3)
    for number in range(8):
        make.log(people.bob, project, files={}, references={"x": f"s3://b/{number}"}, ttl=60)
    assert expired(120) == 8


def test_policies_are_for_admins(people, alice, bob, v0):
    for name in ("collection", "project", "team"):
        with pytest.raises(Forbidden):
            retention.set_policy(bob, target=place(v0, name), ttl=60)
        with pytest.raises(NotFound):
            retention.set_policy(make.actor(people.charlie), target=place(v0, name), ttl=60)
    for ttl in (0, -1, "soon", float("inf"), True, 10**12):
        with pytest.raises(InvalidTtl):
            retention.set_policy(alice, target=place(v0, "team"), ttl=ttl)


def test_the_time_to_live_of_many_costs_a_fixed_number_of_queries(
    people, alice, project, django_assert_num_queries
):
    retention.set_policy(alice, target=project, ttl=60)
    for number in range(6):
        make.log(people.bob, project, f"c{number % 2}", files={}, references={"x": f"s3://b/{number}"})
    rows = list(Membership.objects.for_listing())
    for some in (rows[:1], rows):
        with django_assert_num_queries(4):
            assert len(retention.effective_for(some)) == len(some)

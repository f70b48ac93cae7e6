"""The expiry in batches: what it did is kept, one bad row keeps no other back, and a kill leaves nothing half-done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.errors import Forbidden, InternalError
from registry.models import Alias, Collection, Event, ExpiryRun, Membership, Version
from registry.services import expiring, retention, trash, trashing
from tests import factories as make

DAY = 86400


def fill(people, project, count, collections=2, age=10):
    born = timezone.now() - timedelta(days=age)
    for at in range(count):
        uri = f"s3://b/{make.unique('x')}"
        make.log(people.bob, project, f"c{at % collections}", files={}, references={"x": uri})
    Version.objects.update(created_at=born)


@pytest.mark.django_db
def test_what_a_run_did_is_kept_by_entity_and_shown_to_its_admins(people, project, alice, bob):
    fill(people, project, 4)
    size = sum(Version.objects.values_list("size", flat=True))
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    done = expiring.run(at=timezone.now())
    assert (done.versions, done.size) == (4, size)
    assert [(run.versions, run.size) for run in expiring.runs(alice, entity=people.team.entity)] == [
        (4, size)
    ]
    assert expiring.run(at=timezone.now()).versions == 0
    assert ExpiryRun.objects.count() == 1, "a run that found nothing leaves no row"
    with pytest.raises(Forbidden):
        expiring.runs(bob, entity=people.team.entity)


@pytest.mark.django_db
def test_only_so_many_runs_are_kept(people, project, alice, monkeypatch):
    monkeypatch.setattr(expiring, "_KEPT_RUNS", 2)
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    for at in range(4):
        fill(people, project, 1)
        expiring.run(at=timezone.now() + timedelta(seconds=at))
    assert ExpiryRun.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("count", [2, 40])
def test_a_batch_costs_a_fixed_number_of_queries(people, project, alice, count):
    fill(people, project, count, collections=1)
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    with CaptureQueriesContext(connection) as queries:
        assert expiring.run(at=timezone.now()).versions == count
    assert len(queries) <= 45


@pytest.mark.django_db
def test_one_that_fails_keeps_no_other_of_its_batch_back(people, project, alice, monkeypatch):
    fill(people, project, 5, collections=1)
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    bad = Membership.objects.order_by("pk")[2].pk
    real = trashing.move_all

    def move_all(actor, batches, **given):
        if bad in [row.pk for batch in batches for row in batch]:
            raise OSError("disk")
        real(actor, batches, **given)

    monkeypatch.setattr(trashing, "move_all", move_all)
    with pytest.raises(InternalError) as told:
        expiring.run(at=timezone.now())
    assert (told.value.details["failed"], told.value.details["done"]) == (1, 4)
    assert list(Membership.objects.committed().values_list("pk", flat=True)) == [bad]
    monkeypatch.setattr(trashing, "move_all", real)
    assert expiring.run(at=timezone.now()).versions == 1, "the next run tries it again"


WORKER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from datetime import datetime
from registry.services import expiring
expiring._BATCH = 3
print("ready", flush=True)
expiring.run(at=datetime.fromisoformat(sys.argv[2]))
print("done", flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_workers_that_are_killed_at_any_moment_leave_nothing_half_deleted(people, project, alice):
    """Two at a time, beside each other, each killed a little later than the one before; the last one may finish."""
    fill(people, project, 90, collections=3)
    for at, row in enumerate(Membership.objects.order_by("pk")):
        if at % 5 == 0:
            Alias.objects.create(collection=row.collection, membership=row, name=f"keep-{at}")
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    kept = set(Alias.objects.exclude(name="latest").values_list("membership_id", flat=True))
    connection.close()
    at = timezone.now().isoformat()
    killed = 0
    for wait in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3):
        pair = [_worker(at) for _ in range(2)]
        time.sleep(wait)
        for process in pair:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
        _check_whole(kept)
    assert killed
    last = _worker(at)
    assert last.communicate(timeout=120)[0].endswith("done\n")
    assert {row.pk for row in Membership.objects.committed()} == kept
    _check_whole(kept)
    total = ExpiryRun.objects.get()
    assert total.versions == Membership.objects.filter(version__state="DELETED").count()
    assert Event.objects.filter(act="version.expire").count() == total.versions, "each expired once"


def _worker(at: str) -> subprocess.Popen[str]:
    name = str(django_settings.DATABASES["default"]["NAME"])
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, name, at], stdout=subprocess.PIPE, text=True, cwd=os.getcwd()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _check_whole(kept: set[int]) -> None:
    """Each version is either there with all that it had, or in the trash with all that it needs to come back."""
    for row in Membership.objects.select_related("version").prefetch_related("aliases"):
        version = row.version
        if row.pk in kept:
            assert version.state == "COMMITTED"
        if version.state == "DELETED":
            assert version.purge_at
            assert version.deletion_cause == "expiry"
            assert not row.aliases.all()
            assert Event.objects.filter(act="version.expire", version_id=version.pk).count() == 1
    for place in Collection.objects.all():
        assert place.version_count == Membership.objects.committed().filter(collection=place).count()
    deleted = Version.objects.filter(state="DELETED").count()
    assert sum(ExpiryRun.objects.values_list("versions", flat=True)) == deleted


@pytest.mark.django_db
def test_what_expired_comes_back_whole(people, project, alice):
    fill(people, project, 2, collections=1)
    retention.set_policy(alice, target=people.team.entity, ttl=DAY)
    expiring.run(at=timezone.now())
    row = Membership.objects.trashed().for_listing().order_by("-number").first()
    trash.restore(alice, membership=row)
    assert [alias.name for alias in Alias.objects.filter(membership=row)] == ["latest"]

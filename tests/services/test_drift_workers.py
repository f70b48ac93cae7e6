"""Workers beside each other look once at each reference, and one that is killed loses no more than a batch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from registry.models import Event, ReferenceWatch
from registry.services import drift
from tests.support.drifting import log, states, watch_of
from tests.support.together import together
from tests.support.website import reaching, website

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = [f"f{number:03}" for number in range(120)]


@pytest.fixture
def site(settings):
    with website() as running:
        running.put(**{name: name.encode() for name in NAMES})
        settings.OUTBOUND = reaching(running, settings.OUTBOUND)
        yield running


@pytest.fixture
def made(people, project, site, monkeypatch):
    monkeypatch.setattr(drift, "BATCH", 10)
    logged = log(people.bob, project, [site.entry(name) for name in NAMES])
    site.put(f003=b"other", f077=b"other")
    del site.files["f111"]
    ReferenceWatch.objects.update(next_at=timezone.now())
    return logged


def test_two_workers_look_once_at_each_reference(made, site):
    done = together([drift.run, drift.run])
    assert [each for each in done if isinstance(each, Exception)] == []
    assert sum(each.references for each in done) == len(NAMES)
    assert sorted(site.paths()) == NAMES
    watch = watch_of(made)
    assert (watch.total, watch.changed, watch.missing, watch.claim) == (120, 2, 1, "")
    assert states(made) == {"f003": "changed", "f077": "changed", "f111": "missing"}
    assert Event.objects.filter(act="version.drift").count() == 1


def test_a_worker_that_is_killed_loses_a_batch_and_no_more(made, site):
    # The server holds the fortieth back: the worker is in the middle of a batch when it dies.
    site.slow["f040"] = 30.0
    command = [
        sys.executable,
        "-m",
        "tests.services.drifter",
        str(connection.settings_dict["NAME"]),
        site.address,
    ]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while "f040" not in site.paths() and time.monotonic() < deadline and worker.poll() is None:
            time.sleep(0.05)
        os.kill(worker.pid, signal.SIGKILL)
    finally:
        worker.kill()
        _, said = worker.communicate(timeout=10)
    assert worker.returncode == -signal.SIGKILL, said.decode()
    site.slow.clear()
    watch = watch_of(made)
    assert (watch.seen, watch.after, bool(watch.claim)) == (40, "f039", True)
    assert states(made) == {"f003": "changed"}
    assert drift.run().references == 0
    done = drift.run(timezone.now() + timedelta(minutes=11))
    assert done.references == 80
    assert states(made) == {"f003": "changed", "f077": "changed", "f111": "missing"}
    assert set(site.paths()[:40]) == set(NAMES[:40])
    assert max(site.paths().count(name) for name in NAMES[:40]) == 1

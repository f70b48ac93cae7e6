"""Background work: recorded run by run, and forgotten in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from celery_worker.app import app
from registry import jobs, schedule
from registry.models import JobRun

pytestmark = pytest.mark.django_db
TASK = "trash.purge_due"


def test_a_run_is_recorded_with_its_counts():
    with jobs.track(TASK) as counts:
        assert JobRun.objects.get().state == "running"
        counts["versions"] = 3
    run = JobRun.objects.get()
    assert (run.task, run.state, run.counts, run.error) == (TASK, "done", {"versions": 3}, "")
    assert run.finished_at >= run.started_at


def test_a_run_that_failed_says_why_and_still_fails():
    with pytest.raises(ValueError, match="the disk is gone"), jobs.track(TASK):
        raise ValueError("the disk is gone")
    run = JobRun.objects.get()
    assert (run.state, run.error) == ("failed", "ValueError: the disk is gone")


def test_a_run_whose_worker_was_killed_is_given_up_by_the_next_one():
    long_ago = timezone.now() - schedule.QUEUE_RETURN - timedelta(seconds=1)
    lost = JobRun.objects.create(task=TASK, started_at=long_ago)
    still_running = JobRun.objects.create(task=TASK, started_at=timezone.now())
    with jobs.track("drafts.abandon_stale"):
        pass
    lost.refresh_from_db()
    still_running.refresh_from_db()
    assert (lost.state, lost.error) == ("failed", "The worker was stopped while this ran.")
    assert still_running.state == "running"


def test_only_the_last_runs_of_each_task_are_kept(monkeypatch):
    monkeypatch.setattr(jobs, "KEPT_RUNS", 3)
    with jobs.track("drafts.abandon_stale"):
        pass
    for number in range(5):
        with jobs.track(TASK) as counts:
            counts["number"] = number
    kept = JobRun.objects.filter(task=TASK).order_by("id")
    assert [run.counts["number"] for run in kept] == [2, 3, 4]
    assert JobRun.objects.filter(task="drafts.abandon_stale").count() == 1


def test_the_status_has_each_periodic_task_with_its_last_run_its_next_one_and_its_failures():
    now = timezone.now()
    with pytest.raises(ValueError, match="no"), jobs.track(TASK):
        raise ValueError("no")
    with jobs.track(TASK):
        pass
    found = {each.task: each for each in jobs.status(now)}
    assert set(found) == {each.task for each in schedule.PERIODIC}
    assert found[TASK].last_run.state == "done"
    assert [run.state for run in found[TASK].failures] == ["failed"]
    assert found["retention.expire_due"].last_run is None
    assert now < found[TASK].next_run <= now + timedelta(hours=1)


@pytest.mark.parametrize(("minutes", "expected"), [(1, "10:31"), (10, "10:40"), (60, "11:00")])
def test_the_next_run_is_the_next_full_step_of_the_clock(minutes, expected):
    at = datetime(2026, 5, 1, 10, 30, 0, tzinfo=UTC)
    assert f"{schedule.Periodic('t', 'T', minutes).next_run(at):%H:%M}" == expected


def test_the_page_promises_what_the_clock_does():
    """The page computes the next run by itself; the clock must agree."""
    at = datetime(2026, 5, 1, 10, 30, 0, tzinfo=UTC)
    for each in schedule.PERIODIC:
        entry = app.conf.beat_schedule[each.task]
        entry["schedule"].nowfun = lambda: at
        assert at + entry["schedule"].remaining_estimate(at) == each.next_run(at)
        assert entry["options"]["expires"] < each.minutes * 60


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "asleep"},
        {"state": "done"},
        {"state": "running", "finished_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"state": "done", "finished_at": datetime(2026, 1, 1, tzinfo=UTC), "error": "no"},
    ],
)
def test_the_database_refuses_a_run_that_cannot_be(fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        JobRun.objects.create(task=TASK, started_at=timezone.now(), **fields)

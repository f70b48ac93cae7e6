"""Background work: what each run of a task did, and when the next one is due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from registry.models import JobRun
from registry.schedule import PERIODIC, QUEUE_RETURN

KEPT_RUNS = 200
# What ends a run though single rows may fail: the worker adds the signal of its time limit.
STOPS: list[type[BaseException]] = []


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A line of the "Background work" page."""

    task: str
    title: str
    last_run: JobRun | None
    next_run: datetime
    failures: list[JobRun]


@contextmanager
def track(task: str) -> Iterator[dict[str, int]]:
    """Record a run of a task; what the body puts into the yielded counts is kept with it."""
    counts: dict[str, int] = {}
    started = timezone.now()
    _give_up_lost(started)
    run = JobRun.objects.create(task=task, started_at=started)
    try:
        yield counts
    except BaseException as error:
        run.state, run.error = JobRun.State.FAILED, f"{type(error).__name__}: {error}"[:2000]
        raise
    else:
        run.state = JobRun.State.DONE
    finally:
        run.finished_at, run.counts = timezone.now(), counts
        run.save(update_fields=["state", "error", "finished_at", "counts"])
        _forget_old(task)


def status(now: datetime) -> list[JobStatus]:
    """Return each periodic task with its last run, its next one and the failures of the last week."""
    week = now - timedelta(days=7)
    return [
        JobStatus(
            each.task,
            each.title,
            JobRun.objects.latest_of(each.task),
            each.next_run(now),
            list(JobRun.objects.failures(week).filter(task=each.task)[:20]),
        )
        for each in PERIODIC
    ]


def _give_up_lost(now: datetime) -> None:
    """Mark runs whose worker died under them: nobody else would ever finish their rows."""
    JobRun.objects.lost(now - QUEUE_RETURN).update(
        state=JobRun.State.FAILED, finished_at=now, error="The worker was stopped while this ran."
    )


def _forget_old(task: str) -> None:
    oldest_kept = (
        JobRun.objects.filter(task=task)
        .order_by("-id")
        .values_list("id", flat=True)[KEPT_RUNS - 1 : KEPT_RUNS]
    )
    if bound := next(iter(oldest_kept), None):
        JobRun.objects.filter(task=task, id__lt=bound).delete()

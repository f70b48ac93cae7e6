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
_NOTED_EVERY = timedelta(seconds=2)
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


class Counts(dict[str, int]):
    """The counts of a run; a long one saves them now and then, so that it can be watched."""

    run: JobRun | None = None
    noted_at: datetime | None = None


def note(counts: Counts, found: dict[str, int]) -> None:
    """Take the figures so far, and save them unless that was done a moment ago."""
    counts.update(found)
    at = timezone.now()
    if counts.run is None or (counts.noted_at is not None and at - counts.noted_at < _NOTED_EVERY):
        return
    counts.noted_at = at
    JobRun.objects.filter(pk=counts.run.pk, state=JobRun.State.RUNNING).update(counts=dict(counts))


@contextmanager
def track(task: str) -> Iterator[Counts]:
    """Record a run of a task; what the body puts into the yielded counts is kept with it."""
    counts = Counts()
    started = timezone.now()
    _give_up_lost(started)
    run = counts.run = JobRun.objects.create(task=task, started_at=started)
    try:
        yield counts
    except BaseException as error:
        run.state, run.error = JobRun.State.FAILED, f"{type(error).__name__}: {error}"[:2000]
        raise
    else:
        run.state = JobRun.State.DONE
    finally:
        run.finished_at, run.counts = timezone.now(), dict(counts)
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


def runs_of(task: str, most: int) -> list[JobRun]:
    """Return the newest runs of a task."""
    return list(JobRun.objects.filter(task=task).order_by("-id")[:most])


def next_run(task: str, after: datetime) -> datetime | None:
    """Return when the clock starts a task next, None when it never does."""
    return next((each.next_run(after) for each in PERIODIC if each.task == task), None)


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

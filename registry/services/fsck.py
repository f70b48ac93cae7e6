"""Check the store: rows against objects, objects against digests, manifests against what they name, kept totals.

A run notes what is damaged where it lies, so that reads refuse it and an upload heals it; nothing else is changed
unless a repair is asked for. Its place is kept after each step, so that it can be interrupted and gone on with.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum

from registry.actor import Actor
from registry.errors import Conflict, NotFound
from registry.models import FsckFinding, FsckRun, StoredObject
from registry.models.checks import KEPT_RUNS
from registry.policy import Act, check
from registry.services import alarms, fsck_nodes, fsck_objects, fsck_totals, mending
from registry.services._common import now
from registry.services.fsck_work import Report, Work
from registry.storage.checking import Pace, Part, Stopped

# A run that noted its place within this time still runs.
_SILENT = timedelta(minutes=2)
# Of the daily run: it stays out of the way, and ends before the worker's limit would end it.
_DAILY_RATE = 100 * 1024 * 1024
_DAILY_SECONDS = 420

STEPS: tuple[tuple[str, Callable[[Work, int], None]], ...] = (
    ("rows", fsck_objects.rows),
    ("marked", fsck_objects.marked),
    ("data", fsck_objects.data),
    ("nodes", fsck_nodes.nodes),
    ("manifests", fsck_nodes.roots),
    ("totals", fsck_totals.totals),
    ("orphans", fsck_objects.orphans),
    ("touched", fsck_nodes.touched),
    ("repair", mending.repair),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked to do."""

    read_data: bool = False
    md5: bool = False
    part: int = 1
    parts: int = 1
    # Bytes a second, for all threads together; None: as fast as the disk and the processor go.
    rate: int | None = None
    threads: int = field(default_factory=lambda: min(4, os.cpu_count() or 1))
    repair: bool = False
    dry_run: bool = False
    # Objects larger than this are left out; seconds after which the run ends, whatever it saw.
    most: int | None = None
    seconds: int | None = None
    orphans: bool = True


def sample(percent: float) -> tuple[int, int]:
    """Choose one of so many parts that one of them is about the percentage."""
    parts = max(1, round(100 / percent))
    return secrets.randbelow(parts) + 1, parts


def start(
    actor: Actor, options: Options, *, by: str = FsckRun.By.COMMAND, report: Report | None = None
) -> FsckRun:
    """Check the store, and return the run with what it counted; whatever interrupts it, it keeps its place."""
    check(actor, Act.ADMINISTER, None)
    kept = asdict(options)
    run = FsckRun.objects.create(
        by=by,
        started_at=now(),
        seen_at=now(),
        options=kept,
        part=options.part,
        parts=options.parts,
        reads_data=options.read_data,
    )
    return _go(actor, run, options, report)


def resume(actor: Actor, *, report: Report | None = None) -> FsckRun:
    """Go on with the run that was interrupted last."""
    check(actor, Act.ADMINISTER, None)
    run = FsckRun.objects.unfinished()
    if run is None:
        raise NotFound("No run of fsck was interrupted. Start a new one, without --resume.")
    if run.state == FsckRun.State.RUNNING and now() - run.seen_at < _SILENT:
        raise Conflict(
            "The last run of fsck seems to be running still. Interrupt it first, or try again in two minutes."
        )
    run.state = FsckRun.State.RUNNING
    return _go(actor, run, Options(**run.options), report)


def daily(actor: Actor) -> dict[str, int]:
    """Check another part each day: all of the store in as many days as there are parts."""
    percent = settings.FSCK_DAILY_PERCENT
    if not percent:
        return {}
    check(actor, Act.ADMINISTER, None)
    stored = StoredObject.objects.aggregate(size=Sum("size"))["size"] or 0
    cap = settings.FSCK_DAILY_LIMIT
    parts = max(round(100 / percent), -(-stored // cap), 1)
    options = Options(
        read_data=True,
        part=now().date().toordinal() % parts + 1,
        parts=parts,
        rate=_DAILY_RATE,
        threads=1,
        most=cap,
        seconds=_DAILY_SECONDS,
        orphans=False,
    )
    run = start(actor, options, by=FsckRun.By.CLOCK)
    return {
        "objects": run.counts.get("objects", 0),
        "contents": run.counts.get("contents", 0),
        "damages": run.left,
    }


def _go(actor: Actor, run: FsckRun, options: Options, report: Report | None) -> FsckRun:
    work = Work(
        actor=actor,
        run=run,
        options=options,
        part=Part(options.part, options.parts),
        pace=Pace(options.rate),
        report=report or (lambda *_: None),
        deadline=time.monotonic() + options.seconds if options.seconds else None,
    )
    try:
        _steps(work)
    except Stopped:
        # The time that it had is over: what it saw counts, and is named.
        work.count(cut_short=1)
        work.deadline = None
        fsck_nodes.touched(work, 0)
    except BaseException:
        work.pace.stop()
        run.state = FsckRun.State.INTERRUPTED
        work.keep()
        raise
    return _finish(work)


def _steps(work: Work) -> None:
    """Do the steps from where the run stands."""
    names = [name for name, _ in STEPS]
    place = work.run.position
    begin = names.index(place["step"]) if place.get("step") in names else 0
    for at, (name, step) in enumerate(STEPS):
        if at < begin:
            continue
        after = int(place.get("after", 0)) if at == begin else 0
        work.enter(name, after)
        step(work, after)


def _finish(work: Work) -> FsckRun:
    run = work.run
    run.found = run.findings.exclude(kind=FsckFinding.Kind.ORPHAN).count()
    run.left = run.findings.wrong().count()
    run.state, run.finished_at = FsckRun.State.DONE, now()
    work.keep()
    alarms.settle(run)
    _forget_old(run.by)
    return run


def _forget_old(by: str) -> None:
    """Keep the last runs, and those that still warn."""
    kept = FsckRun.objects.filter(by=by).order_by("-pk").values_list("pk", flat=True)[:KEPT_RUNS]
    FsckRun.objects.filter(by=by, alarming=False).exclude(pk__in=list(kept)).delete()


def last_runs(actor: Actor, number: int = 10) -> list[FsckRun]:
    """Return the newest runs, for the page of background work."""
    check(actor, Act.ADMINISTER, None)
    return list(FsckRun.objects.order_by("-pk")[:number])


def still_wrong(actor: Actor, runs: Sequence[FsckRun], number: int = 50) -> list[FsckFinding]:
    """Return the first that is still wrong of the newest run that says so."""
    check(actor, Act.ADMINISTER, None)
    found = next((run for run in runs if run.left), None)
    return list(found.findings.wrong().order_by("pk")[:number]) if found else []


def findings(actor: Actor, run: FsckRun) -> Any:
    """Return what a run found, in the order in which it did; read it by `iterator()`."""
    check(actor, Act.ADMINISTER, None)
    return run.findings.select_related("scope").order_by("pk")

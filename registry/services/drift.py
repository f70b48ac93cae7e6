"""Drift watch: references are looked at again, and what is not as it was recorded is kept and told.

A version's references are looked at in batches; between two of them another version has its turn, first those of
other teams. Each batch is held by a claim that runs out by the clock, and written with its place in one transaction:
workers beside each other don't meet, and one that is killed loses a batch, which is looked at again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from django.conf import settings
from django.db.models import Max, Min, Q
from strongroom.core.entries import Entry
from strongroom.core.references.base import Reach, State

from registry import manifests
from registry.models import ReferenceDrift, ReferenceWatch, Version
from registry.services import drift_rows, watching
from registry.services._common import now
from registry.services._each import Each
from registry.services.drift_rows import Batch, place_key
from registry.services.looking import Looked, Looking, is_watched
from registry.services.reaching import OfVersion, Reaches

BATCH = 200
# A batch is given up by the clock after this; it takes no longer than `_LONGEST` and the last answers.
_LEASE, _LONGEST = timedelta(minutes=10), 60.0
# What could not be reached is tried again sooner; what this server may not reach is asked for rarely.
_AGAIN, _RARELY = timedelta(hours=1), 7
# How many times as long as a look took nothing is asked after it, where something did not answer.
_PAUSES = 10
_LONGEST_REST = timedelta(hours=1)

Opener = Callable[[ReferenceWatch], AbstractContextManager[Reach]]


@dataclass(slots=True)
class Run:
    """What a run did."""

    references: int = 0
    versions: int = 0
    counted: int = 0

    def counts(self) -> dict[str, int]:
        """Return the figures as the page of background work keeps them."""
        return {"references": self.references, "versions": self.versions, "counted": self.counted}


class _Budget:
    """How long a run may take, and how many references it may look at."""

    def __init__(self, seconds: float, most: int) -> None:
        self.until, self.left = time.monotonic() + seconds, most

    def is_spent(self) -> bool:
        return self.left <= 0 or time.monotonic() >= self.until


def run(at: datetime | None = None, *, opener: Opener | None = None) -> Run:
    """Look at references whose time has come, within what a run may take."""
    done, budget = Run(), _Budget(settings.DRIFT_SECONDS, settings.DRIFT_MOST)
    # Old manifests are many once, and must not keep everything else waiting.
    done.counted = watching.adopt(time.monotonic() + settings.DRIFT_SECONDS / 4)
    each = Each("versions could not be looked at")
    while not budget.is_spent() and (turns := _turns(at or now())):
        for pk in turns:
            if budget.is_spent():
                break
            each.do(_try, pk, at, budget, done, opener or _outside)
    each.finish()
    return done


def look(version_id: int, at: datetime | None = None, *, opener: Opener | None = None) -> Run:
    """Look at one version, because somebody asked: as far as a run comes, the clock goes on with the rest."""
    done, budget = Run(), _Budget(settings.DRIFT_SECONDS, settings.DRIFT_MOST)
    while not budget.is_spent():
        watch = ReferenceWatch.objects.due(at or now()).filter(version=version_id).first()
        if watch is None:
            break
        _try(watch.pk, at, budget, done, opener or _outside)
    return done


def _turns(at: datetime) -> list[int]:
    """Return the version of each entity that waits longest, those first who waited longest."""
    rows = ReferenceWatch.objects.due(at)
    if not settings.DRIFT_HOURS:
        rows = rows.filter(Q(asked_at__isnull=False) | Q(begun_at__isnull=False))
    scopes = rows.order_by().values("scope").annotate(first=Min("next_at")).order_by("first", "scope")
    firsts = (
        rows.filter(scope=scope).order_by("next_at", "pk") for scope in scopes.values_list("scope", flat=True)
    )
    return [pk for mine in firsts for pk in mine.values_list("pk", flat=True)[:1]]


def _try(pk: int, at: datetime | None, budget: _Budget, done: Run, opener: Opener) -> int:
    """Do a batch of a version; one that fails waits, so that it stops no other."""
    claim = _claim(pk, at or now())
    if claim is None:
        return 0
    try:
        return _batch(pk, claim, at, budget, done, opener)
    except BaseException:
        drift_rows.release(pk, claim, (at or now()) + _AGAIN)
        raise


def _claim(pk: int, at: datetime) -> str | None:
    claim = secrets.token_hex(16)
    rows = ReferenceWatch.objects.due(at).filter(pk=pk)
    return claim if rows.update(claim=claim, claimed_until=at + _LEASE) else None


def _batch(pk: int, claim: str, at: datetime | None, budget: _Budget, done: Run, opener: Opener) -> int:
    watch = ReferenceWatch.objects.select_related(
        "scope", "version__manifest", "version__created_by", "version__sequence__project__entity"
    ).get(pk=pk)
    if not _is_there(watch):
        drift_rows.put_off(watch, claim, (at or now()) + watching.interval())
        return 0
    manifest = watch.version.manifest
    assert manifest is not None  # of a version that is there
    entries = list(islice(manifests.references(manifest, watch.after), min(BATCH, budget.left) + 1))
    here = entries[: min(BATCH, budget.left)]
    kept = _kept(watch, here, at or now())
    asked = [entry for place, entry in enumerate(here) if place not in kept and is_watched(entry)]
    looked, rest = _ask(watch, asked, at or now(), budget, opener)
    found = list(_in_order(here, kept, looked))
    batch = Batch(
        found,
        is_last=len(found) == len(entries),
        at=at or now(),
        next_at=(at or now()) + min(timedelta(seconds=rest), _LONGEST_REST),
        last_path=here[len(found) - 1].path if found else "",
    )
    if drift_rows.write(pk, claim, batch, _after):
        budget.left -= len(found)
        done.references += len(found)
        done.versions += batch.is_last
    return 1


def _is_there(watch: ReferenceWatch) -> bool:
    """Say whether the version is committed, in places that are not in the trash."""
    version, project = watch.version, watch.version.sequence.project
    gone = (version.sequence.deleted_at, project.deleted_at, watch.scope.deleted_at)
    return version.state == Version.State.COMMITTED and version.manifest is not None and not any(gone)


def _kept(watch: ReferenceWatch, here: list[Entry], at: datetime) -> dict[int, ReferenceDrift]:
    """Return, by number in the batch, what is not asked for this time.

    That is what was refused before, while nobody asks anew; and what lies in a place that was refused by this look.
    """
    kept: dict[int, ReferenceDrift] = {}
    since = at - _RARELY * watching.interval()
    if watch.asked_at is None:
        rows = watch.drifts.filter(position__gte=watch.seen, position__lt=watch.seen + len(here))
        rows = rows.filter(refused=True, place_sha256=None, checked_at__gt=since)
        kept = {row.position - watch.seen: row for row in rows}
    elif watch.begun_at is None:
        return kept
    else:
        since = watch.begun_at
    refused = {
        row.place_sha256: row
        for row in watch.drifts.exclude(place_sha256=None)
        .filter(checked_at__gte=since)
        .filter(place_sha256__in={place_key(entry) for entry in here if is_watched(entry)})
    }
    for number, entry in enumerate(here):
        if refused and is_watched(entry) and (row := refused.get(place_key(entry))) is not None:
            kept[number] = row
    return kept


def _ask(
    watch: ReferenceWatch, asked: list[Entry], at: datetime, budget: _Budget, opener: Opener
) -> tuple[list[Looked], float]:
    if not asked:
        return [], 0.0
    until = min(budget.until, time.monotonic() + _LONGEST)
    # A look that went on for so long comes to an end, whatever a host wants.
    late = watch.begun_at is not None and at - watch.begun_at > max(watching.interval(), timedelta(days=1))
    with Reaches(partial(opener, watch)) as reaches:
        looking = Looking(reaches, until, is_impatient=late)
        return looking.at(asked), looking.rest


def _outside(watch: ReferenceWatch) -> AbstractContextManager[Reach]:
    return OfVersion(watch.version)


def _in_order(
    here: list[Entry], kept: dict[int, ReferenceDrift], looked: list[Looked]
) -> Iterator[Looked | ReferenceDrift | None]:
    """Give what was found of each reference up to the first that there was no time for; None for one not watched."""
    answers = iter(looked)
    for place, entry in enumerate(here):
        if place in kept:
            yield kept[place]
        elif not is_watched(entry):
            yield None
        elif (answer := next(answers, None)) is None:
            return
        else:
            yield answer


def _after(row: ReferenceWatch, at: datetime) -> datetime:
    """When the next look is due, after one has ended.

    What did not answer is tried again sooner: after an hour, then after as long as it has not answered by then, and
    never so often that one dead reference would have a million others asked without a pause.
    """
    failing = row.drifts.filter(state=State.UNREACHABLE, refused=False) if row.unreachable else None
    since = failing.aggregate(newest=Max("since"))["newest"] if failing is not None else None
    if since is None:
        return at + watching.interval()
    took = at - (row.begun_at or at)
    return at + min(max(_AGAIN, at - since, _PAUSES * took), watching.interval())

"""Making built-in checks: a worker takes one, works as long as it may, notes where it stands, and writes what it found.

A worker holds a check by a sign of life. Whatever it writes, it writes only while it holds it: so a kill loses a few
seconds, two workers do nothing twice, and a check that is begun anew meanwhile keeps nothing of the old.
"""

from __future__ import annotations

import logging
import time
import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from redis.exceptions import RedisError

from registry import jobs, queue
from registry.actor import system
from registry.errors import RegistryError
from registry.models import Promotion, Version, VersionCheck
from registry.schedule import MAKE_CHECK
from registry.services import events, promotion_states
from registry.services._common import now
from registry.services.built_in_checks import BY_NAME
from registry.services.check_kinds import Case, Finding, Pace, State, digest
from registry.services.promotion_cases import case_of

# After this a task lets others have their turn, and another one goes on.
LONGEST_SECONDS = 480.0
TRIES = 5
_LASTS = timedelta(seconds=90)
_BEAT_SECONDS, _NOTE_SECONDS = 15.0, 3.0
_PICKED_UP = 200
log = logging.getLogger(__name__)


class _Lost(Exception):
    """Another worker has the check, or it was begun anew: whoever had it writes nothing more."""


def wake(check_id: int) -> None:
    """Have a worker make a check, once the transaction is over."""
    transaction.on_commit(partial(_send, check_id))


def _send(check_id: int) -> None:
    try:
        queue.send(MAKE_CHECK, str(check_id))
    except (RedisError, OSError) as error:
        # The clock finds it: it is waiting.
        log.warning("The queue did not take a check of a version: %s", error)


def pick_up(at: datetime | None = None) -> int:
    """Have workers make checks that nobody makes: after a kill, a lost message, or for want of what they wait for."""
    at = at or now()
    rows = (
        VersionCheck.objects.waiting().unheld(at - _LASTS).filter(updated_at__lt=at - timedelta(seconds=20))
    )
    ids = list(rows.order_by("updated_at", "pk").values_list("pk", flat=True)[:_PICKED_UP])
    for check_id in ids:
        _send(check_id)
    return len(ids)


def work(check_id: int, *, longest_seconds: float = LONGEST_SECONDS) -> int:
    """Make a check as far as the time goes; returns 1 when it is done. Safe to repeat, and beside itself."""
    held = _take(check_id)
    if held is None:
        return 0
    try:
        return held.run(time.monotonic() + longest_seconds)
    except _Lost:
        return 0
    finally:
        held.release()


def _take(check_id: int) -> _Held | None:
    holder, at = uuid.uuid4().hex, now()
    free = VersionCheck.objects.waiting().unheld(at - _LASTS).filter(pk=check_id)
    if not free.update(holder=holder, held_at=at, updated_at=at, attempts=F("attempts") + 1):
        return None
    row = VersionCheck.objects.filter(pk=check_id, holder=holder)
    near = (
        "membership__version__manifest",
        "membership__version__sequence",
        "membership__collection__project__entity",
    )
    found = row.select_related(*near, "membership__version__run").first()
    return None if found is None else _Held(found)


class _Held:
    """A check that this worker has taken."""

    def __init__(self, row: VersionCheck) -> None:
        self._row = row
        self._seen_at = self._noted_at = time.monotonic()

    def run(self, until: float) -> int:
        """Make the check; returns 1 when that is done."""
        row = self._row
        if row.attempts > TRIES:
            return self._end(
                Finding(State.ERROR, "The worker was stopped each time it made this check. Run it again.")
            )
        try:
            finding = self._find(until)
        except RegistryError as error:
            if error.status in (429, 503):
                return 0
            return self._end(Finding(State.ERROR, f"The check could not be made: {error}"))
        except (_Lost, DatabaseError):
            raise
        except tuple(jobs.STOPS):
            raise
        except Exception:
            # What people upload may be anything: that is no reason to look at it for ever.
            log.exception("A check could not be made: %s", row.pk)
            said = "The server met something unexpected while it made this check; its log says what."
            return self._end(Finding(State.ERROR, said))
        if finding is not None:
            return self._end(finding)
        self._write(attempts=0)
        if time.monotonic() >= until:
            _send(row.pk)
        return 0

    def _find(self, until: float) -> Finding | None:
        row = self._row
        kind = BY_NAME.get(row.name)
        if kind is None or row.membership.version.state != Version.State.COMMITTED:
            return Finding(State.ERROR, "The version is not there any more.")
        case = self._case()
        evidence = digest(kind.evidence(case))
        # What was found up to a place is of what was there then.
        position = row.position if evidence == row.evidence else {}
        if evidence != row.evidence:
            self._write(evidence=evidence, position={})
        pace = Pace(position, note=self._note, beat=self._beat, is_spent=lambda: time.monotonic() >= until)
        return kind.run(case, pace)

    def _case(self) -> Case:
        if self._row.promotion_id is None:
            return Case(self._row.membership)
        promotion = Promotion.objects.whole().get(pk=self._row.promotion_id)
        return case_of(promotion)[0] or Case(self._row.membership)

    def _note(self, position: dict[str, Any], at_once: bool) -> None:
        if at_once or time.monotonic() - self._noted_at >= _NOTE_SECONDS:
            self._noted_at = time.monotonic()
            self._write(position=position, attempts=0)

    def _beat(self) -> None:
        if time.monotonic() - self._seen_at >= _BEAT_SECONDS:
            self._write()

    def _write(self, **fields: Any) -> None:
        self._seen_at = time.monotonic()
        if not self._mine().update(held_at=now(), updated_at=now(), **fields):
            raise _Lost

    def _end(self, finding: Finding) -> int:
        row = self._row
        with transaction.atomic():
            ended: dict[str, Any] = {"holder": "", "held_at": None, "position": {}, "finished_at": now()}
            self._write_end(finding, **ended)
            events.record(
                system(),
                "check.finish",
                collection=row.membership.collection,
                version=row.membership.version,
                subject=row.name,
                after={"state": str(finding.state), "finding": finding.text},
            )
            promotion_states.evidence_changed(row.membership.version_id)
        return 1

    def _write_end(self, finding: Finding, **ended: Any) -> None:
        found = {"state": finding.state, "finding": finding.text, "details": finding.details}
        if not self._mine().update(updated_at=now(), **found, **ended):
            raise _Lost

    def release(self) -> None:
        """Let go, if it is still held."""
        self._mine().update(holder="", held_at=None)

    def _mine(self) -> QuerySet[VersionCheck]:
        return VersionCheck.objects.filter(pk=self._row.pk, holder=self._row.holder)

"""Resolving references: a draft's workers find what its references name, batch by batch, and commit it at the end.

Every batch is a transaction that a worker may make only while it holds the draft. So a kill loses one batch, two
workers do nothing twice, and whoever drops a reference or gives the draft up is heard at the next batch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q
from strongroom.core.entries import LARGEST, Entry
from strongroom.core.references.uris import unsigned

from registry import jobs
from registry.actor import system
from registry.errors import InternalError, NothingFound, RegistryError, TooManyObjects, Unavailable
from registry.models import ReferenceBatch, ReferenceOrder, Resolution, Version
from registry.services import drafting, leases, outside, reference_batches, references, resolved
from registry.services._common import now
from registry.services.leases import Lease, LeaseLost

State = ReferenceOrder.State
# After this a task lets others have their turn, and another one goes on.
LONGEST_SECONDS = 480.0
# So often a store that does not answer is asked again, after a time that grows; and so often a reference is begun
# that never gets any farther, as its worker is stopped each time.
TRIES = 5
_FIRST_WAIT = timedelta(seconds=30)
_PICKED_UP = 100
log = logging.getLogger(__name__)


class _Dropped(Exception):
    """The reference was dropped meanwhile."""


def work(draft_id: int, *, longest_seconds: float = LONGEST_SECONDS) -> int:
    """Resolve the references of a draft that are due, and commit it if that was asked for; returns how many.

    Safe to repeat and beside itself. What is left, for want of time or as it came meanwhile, goes to another task.
    """
    lease = leases.take(draft_id)
    if lease is None:
        return 0
    until, done = time.monotonic() + longest_seconds, 0
    try:
        with leases.beating(lease):
            while (order := _next(draft_id)) is not None and time.monotonic() < until:
                done += _Work(lease, order, until).run()
            if time.monotonic() < until:
                resolved.commit(lease)
    except LeaseLost:
        return done
    if Resolution.objects.waiting(now()).filter(pk=draft_id).exists():
        references.wake(draft_id)
    return done


def pick_up(at: datetime | None = None) -> int:
    """Have workers go on where nobody does: after a kill, a lost message, or the time that a store is left alone."""
    at = at or now()
    over = Resolution.objects.exclude(draft__state=Version.State.PENDING)
    over.unheld(leases.expired(at)).delete()
    rows = Resolution.objects.waiting(at).unheld(leases.expired(at)).order_by("created_at")
    ids = list(rows.values_list("pk", flat=True)[:_PICKED_UP])
    for draft_id in ids:
        references.wake(draft_id)
    return len(ids)


def _next(draft_id: int) -> ReferenceOrder | None:
    due = Q(try_at=None) | Q(try_at__lte=now())
    rows = ReferenceOrder.objects.filter(due, draft=draft_id, state__in=[State.WAITING, State.RESOLVING])
    near = ("draft__sequence__project__entity", "draft__resolution__asked_by", "draft__resolution__key")
    return rows.select_related(*near).order_by("attempts", "pk").first()


class _Work:
    """One reference, from where it stands to its end, or until time is up."""

    def __init__(self, lease: Lease, order: ReferenceOrder, until: float) -> None:
        self._lease, self._order, self._until = lease, order, until

    def run(self) -> int:
        """Return 1 when it was resolved."""
        order = self._order
        try:
            self._begin()
            if order.attempts > TRIES:
                raise Unavailable(
                    "The worker was stopped each time it looked at this. Try again, or drop it."
                )
            return self._find()
        except _Dropped:
            return 0
        except RegistryError as error:
            self._failed(error)
        except (LeaseLost, DatabaseError):
            raise
        except tuple(jobs.STOPS):
            raise
        except Exception:
            # A library of a store may raise what nobody foresaw: that is no reason to look at it for ever.
            log.exception("A reference could not be resolved: %s", unsigned(order.uri))
            self._failed(InternalError("The server met something unexpected there; its log says what."))
        return 0

    def _begin(self) -> None:
        order = self._order
        self._change(state=State.RESOLVING, attempts=order.attempts + 1, started_at=order.started_at or now())

    def _find(self) -> int:
        for batch in reference_batches.cut(self._found(), self._order.cursor):
            self._keep(*batch)
            if time.monotonic() >= self._until:
                return 0
        if not self._order.found_count:
            raise NothingFound(f"There is nothing under {self._order.uri}.", uri=self._order.uri)
        self._change(state=State.RESOLVED, finished_at=now(), code="", why="", try_at=None, attempts=0)
        drafting.touch(self._order.draft)
        return 1

    def _found(self) -> Iterator[Entry]:
        order, entity = self._order, self._order.draft.sequence.project.entity
        try:
            yield from outside.found(references.asker(order.draft.resolution), entity, order)
        except NothingFound:
            # Behind what an earlier try has found there need be nothing more.
            if not order.found_count:
                raise

    def _keep(self, entries: list[Entry], in_order: bool) -> None:
        order = self._order
        count = order.found_count + len(entries)
        if count > order.max_objects:
            raise TooManyObjects(
                f"There are more than {order.max_objects:,} objects under {order.uri}. Raise max_objects, or refer "
                f"to less.",
                uri=order.uri,
                limit=order.max_objects,
            )
        size = min(order.found_bytes + sum(entry.size or 0 for entry in entries), LARGEST)
        with transaction.atomic():
            number = order.batch_count
            self._change(
                found_count=count,
                found_bytes=size,
                batch_count=number + 1,
                cursor=entries[-1].path,
                in_order=order.in_order and in_order,
                attempts=0,
                code="",
                why="",
            )
            reference_batches.keep(order, number, entries)

    def _failed(self, error: RegistryError) -> None:
        """Note why; a store that did not answer is asked again, all else is for a person to decide."""
        may_recover = error.status in (429, 503)
        try:
            if may_recover and self._order.attempts < TRIES:
                self._wait(error)
            else:
                # What may be tried again goes on behind what it has; all else begins anew.
                self._end(error, {} if may_recover else _NOTHING)
        except _Dropped:
            return

    def _wait(self, error: RegistryError) -> None:
        longer = _FIRST_WAIT * 4 ** max(0, self._order.attempts - 1)
        self._change(state=State.WAITING, try_at=now() + longer, **references.reason(error))

    def _end(self, error: RegistryError, rest: dict[str, object]) -> None:
        why = references.reason(error)
        with transaction.atomic():
            self._change(state=State.FAILED, finished_at=now(), try_at=None, **why, **rest)
            if rest:
                ReferenceBatch.objects.filter(order=self._order).delete()
            references.tell(system(), "reference.fail", self._order.draft, self._order, **why)
        drafting.touch(self._order.draft)

    def _change(self, **fields: object) -> None:
        """Write while this worker holds the draft; raise when the reference was dropped."""
        with transaction.atomic():
            self._lease.keep()
            if not ReferenceOrder.objects.filter(pk=self._order.pk).update(**fields):
                raise _Dropped
        for name, value in fields.items():
            setattr(self._order, name, value)


_NOTHING: dict[str, object] = {
    "found_count": 0,
    "found_bytes": 0,
    "batch_count": 0,
    "cursor": "",
    "in_order": True,
}

"""Who resolves the references of a draft: one worker at a time, known by its sign of life."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import QuerySet

from registry.models import Resolution
from registry.services._common import now

LASTS = timedelta(seconds=45)
_EVERY = 10.0
log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another worker has the draft, or it is gone: whoever held it writes nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A draft that this worker has taken."""

    draft_id: int
    holder: str

    def keep(self) -> None:
        """Give a sign of life; within a transaction this holds the row, so that nobody takes the draft meanwhile."""
        if not self._mine().update(held_at=now()):
            raise LeaseLost

    def release(self) -> None:
        """Let go, if it is still held."""
        self._mine().update(holder="", held_at=None)

    def _mine(self) -> QuerySet[Resolution]:
        return Resolution.objects.filter(pk=self.draft_id, holder=self.holder)


def expired(at: datetime) -> datetime:
    """Return the moment before which a sign of life is one of a worker that was killed."""
    return at - LASTS


def take(draft_id: int) -> Lease | None:
    """Take a draft, unless another worker has it."""
    lease, at = Lease(draft_id, uuid.uuid4().hex), now()
    free = Resolution.objects.filter(pk=draft_id).unheld(expired(at))
    return lease if free.update(holder=lease.holder, held_at=at) else None


@contextmanager
def beating(lease: Lease) -> Iterator[None]:
    """Keep a lease while the body works, however long a store takes to answer; let go of it at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(lease, stop), daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        lease.release()


def _beat(lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(_EVERY):
        try:
            lease.keep()
        except LeaseLost:
            return
        except DatabaseError as error:
            log.warning("A sign of life was not noted: %s", error)
        finally:
            # A thread's own connection: nobody else would close it.
            connection.close()

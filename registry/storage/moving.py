"""Copy all objects from one storage to another while both are in use; nothing is ever deleted from the source."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from django.db.models import Sum

from registry.models.blobs import StoredObject
from registry.storage.backends.base import Backend, Readable
from registry.storage.limits import PIECE
from registry.storage.trouble import StoreError, Trouble

_BATCH = 64
_TRIES = 3
# Names told in full; of more only the number is.
_NAMED = 20


class Row(NamedTuple):
    """An object as its row knows it."""

    pk: int
    name: str
    size: int


class Outcome(Enum):
    """What became of an object."""

    THERE = "there"
    COPIED = "copied"
    # In neither storage.
    LOST = "lost"
    # Another thing in each, and nothing says which is right: both are left as they are.
    DIFFERENT = "different"


@dataclass
class Copied:
    """What a copy came to, so far."""

    total: int = 0
    total_bytes: int = 0
    looked: int = 0
    there: int = 0
    copied: int = 0
    bytes: int = 0
    lost: int = 0
    different: int = 0
    # The first of what is lost or different.
    names: list[str] = field(default_factory=list)

    def take(self, row: Row, outcome: Outcome) -> None:
        self.looked += 1
        if outcome is Outcome.THERE:
            self.there += 1
        elif outcome is Outcome.COPIED:
            self.copied += 1
            self.bytes += row.size
        else:
            self.lost += outcome is Outcome.LOST
            self.different += outcome is Outcome.DIFFERENT
            self.names += [row.name] if len(self.names) < _NAMED else []


@dataclass(frozen=True, slots=True)
class Move:
    """Which way, and how: `note` gets the id up to which all is copied and verified."""

    source: Backend
    target: Backend
    threads: int = 4
    read_back: bool = True
    tell: Callable[[str, Copied], None] = lambda step, so_far: None
    note: Callable[[int], None] = lambda after: None

    def run(self, after: int = 0) -> Copied:
        """Copy what comes after an id until there is nothing new, then look at everything once more.

        Rows get their ids before they are committed: one that was late is found by that last look.
        """
        done = _beyond(after)
        while (reached := self._pass("copying", done, after, verify=self.read_back)) > after:
            after = reached
        looked = _beyond(0)
        self._pass("looking at all", looked, 0, verify=False)
        looked.copied, looked.bytes = done.copied + looked.copied, done.bytes + looked.bytes
        looked.different += done.different
        looked.names = list(dict.fromkeys([*done.names, *looked.names]))
        return looked

    def missing(self) -> Copied:
        """Count what the target lacks, and change nothing."""
        found = _beyond(0)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="look") as pool:
            for rows in _batches(0):
                for row, outcome in zip(rows, pool.map(self._look, rows), strict=True):
                    found.take(row, outcome)
                self.tell("looking at all", found)
        return found

    def _look(self, row: Row) -> Outcome:
        if _size(self.target, row.name) >= 0:
            return Outcome.THERE
        return Outcome.COPIED if _size(self.source, row.name) >= 0 else Outcome.LOST

    def _pass(self, step: str, done: Copied, after: int, *, verify: bool) -> int:
        with ThreadPoolExecutor(self.threads, thread_name_prefix="copy") as pool:
            for rows in _batches(after):
                outcomes = pool.map(lambda row: self._persist(row, verify), rows)
                for row, outcome in self._still(list(zip(rows, outcomes, strict=True))):
                    done.take(row, outcome)
                after = rows[-1].pk
                if verify:
                    self.note(after)
                self.tell(step, done)
        return after

    def _still(self, done: list[tuple[Row, Outcome]]) -> Iterator[tuple[Row, Outcome]]:
        """Give the objects that are wanted still; a copy of one that the collector deleted meanwhile goes again."""
        rows = StoredObject.objects.filter(name__in=[row.name for row, _ in done])
        states = dict(rows.values_list("name", "state"))
        for row, outcome in done:
            if row.name not in states and outcome is Outcome.COPIED:
                self.target.delete(row.name)
            elif outcome is Outcome.LOST and states.get(row.name) != StoredObject.State.LIVE:
                # Its bytes went before its row does.
                continue
            elif row.name in states:
                yield row, outcome

    def _persist(self, row: Row, verify: bool) -> Outcome:
        """Copy an object; a store that falters is asked again."""
        for attempt in range(1, _TRIES):
            try:
                return self._one(row, verify)
            except StoreError as error:
                if not error.passes and error.trouble is not Trouble.CHANGED:
                    raise
                time.sleep(0.5 * 2**attempt)
        return self._one(row, verify)

    def _one(self, row: Row, verify: bool) -> Outcome:
        there = _size(self.target, row.name)
        if there == row.size:
            return Outcome.THERE if not verify or self._same(row.name) else Outcome.DIFFERENT
        here = _size(self.source, row.name)
        if here < 0 or there == here:
            # One that was damaged before is damaged after: fsck tells of it, here as there.
            return Outcome.THERE if there >= 0 else Outcome.LOST
        if there >= 0 and here != row.size:
            return Outcome.DIFFERENT
        return self._copy(row.name, here)

    def _copy(self, name: str, size: int) -> Outcome:
        try:
            opened = self.source.open(name)
        except FileNotFoundError:
            return Outcome.LOST
        with opened:
            hashed = _Hashed(opened)
            kept = self.target.put(name, hashed, size=size)
        if kept != size or (self.read_back and _digest(self.target, name) != hashed.digest):
            self.target.delete(name)
            raise StoreError(Trouble.CHANGED, f"{name} came out different from how it went in")
        return Outcome.COPIED

    def _same(self, name: str) -> bool:
        """Compare the bytes of an object that a run before this one may have left half verified."""
        try:
            return _digest(self.source, name) == _digest(self.target, name)
        except FileNotFoundError:
            # Written since the installation was switched over: it was never in the source.
            return True


class _Hashed:
    """A stream that is hashed as it is read."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> bytes:
        return self._hash.digest()


def _digest(backend: Backend, name: str) -> bytes:
    with backend.open(name) as opened:
        hashed = _Hashed(opened)
        while hashed.read(PIECE):
            pass
    return hashed.digest


def _size(backend: Backend, name: str) -> int:
    try:
        return backend.size(name)
    except FileNotFoundError:
        return -1


def _batches(after: int) -> Iterator[list[Row]]:
    while True:
        rows = StoredObject.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "name", "size")
        some = [Row(*row) for row in rows[:_BATCH]]
        if not some:
            return
        yield some
        after = some[-1].pk


def _beyond(after: int) -> Copied:
    rows = StoredObject.objects.filter(pk__gt=after)
    return Copied(rows.count(), rows.aggregate(size=Sum("size"))["size"] or 0)

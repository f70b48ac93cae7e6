"""A second look at some references: several at once, each host as often as it bears, up to a moment.

Threads ask the outside and touch no rows; what they found is written by who called.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Event, Lock
from urllib.parse import urlsplit

from django.conf import settings
from strongroom.core import references
from strongroom.core.entries import Entry
from strongroom.core.references.base import Checked, Found, State
from strongroom.core.references.uris import unsigned

from registry.errors import InvalidUri, RegistryError
from registry.outbound import Resting, place_of, slot
from registry.services.reaching import Noted, Reaches

log = logging.getLogger(__name__)
# Read from the database, so by the thread that has its connection.
_OURS = "artifact"
# Their libraries know nothing of a host's places; web servers are asked through a reach that does.
_BUCKETS = frozenset({"s3", "gs", "azure"})
# A host that did not answer so often in a row is not asked for the rest of a batch.
_PATIENCE = 3
_AT_ONCE = 1.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found of one reference; `refused` where the policy of this server keeps it from looking.

    Where it does from all that lies in the same place, that is in `place`.
    """

    entry: Entry
    checked: Checked
    refused: bool = False
    place: str = ""


def kind_of(entry: Entry) -> str:
    """Return what kind of URI a reference has; "other" for what is none."""
    try:
        return references.kind_of(entry.ref or "")
    except InvalidUri:
        return "other"


def is_watched(entry: Entry) -> bool:
    """Say whether something was recorded of a reference that can be compared with what is there."""
    return kind_of(entry) != "other" and references.is_checked(entry)


class Looking:
    """Looks at references until `until` (of `time.monotonic`), or until a host wants to be left alone for longer.

    `rest` says afterwards for how many seconds. With `is_impatient`, what such a host keeps back counts as
    unreachable, so that a look comes to its end.
    """

    def __init__(self, reaches: Reaches, until: float, *, is_impatient: bool = False) -> None:
        self._reaches, self._until, self._is_impatient = reaches, until, is_impatient
        self._stop, self._lock = Event(), Lock()
        self._failures: dict[str, tuple[int, str]] = {}
        self.rest = 0.0

    def at(self, entries: Sequence[Entry]) -> list[Looked]:
        """Return what was found of the first of the entries: of all, if there was time."""
        found: list[Looked] = []
        with ThreadPoolExecutor(settings.DRIFT_THREADS) as pool:
            try:
                waiting = [
                    None if kind_of(entry) == _OURS else pool.submit(self._one, entry) for entry in entries
                ]
                for entry, future in zip(entries, waiting, strict=True):
                    looked = self._one(entry) if future is None else future.result()
                    if looked is None:
                        break
                    found.append(looked)
            finally:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
        return found

    def _one(self, entry: Entry) -> Looked | None:
        host = _host_of(entry)
        while not self._stop.is_set() and time.monotonic() < self._until:
            if (given_up := self._given_up(host)) is not None:
                return Looked(entry, given_up)
            noted, begun = Noted(self._reaches), time.monotonic()
            checked = _check(entry, noted, host)
            if noted.resting is None:
                is_silent = checked.state is State.UNREACHABLE and _is_silence(entry, noted, begun)
                self._count(host, checked.why if is_silent else None)
                return _looked(entry, checked, noted)
            if not self._wait(noted.resting):
                return Looked(entry, checked) if self._is_impatient else None
        return None

    def _wait(self, resting: Resting) -> bool:
        """Wait as long as the host wants, if there is so much time; else nobody goes on."""
        seconds = float(resting.details.get("retry_after") or 1)
        if time.monotonic() + seconds < self._until:
            return not self._stop.wait(seconds)
        if not self._is_impatient:
            with self._lock:
                self.rest = max(self.rest, seconds)
        return False

    def _given_up(self, host: str) -> Checked | None:
        with self._lock:
            failures, why = self._failures.get(host, (0, ""))
        if failures < _PATIENCE:
            return None
        said = (
            f"{why.rstrip('.')}. That was so for {_PATIENCE} others in a row, so this one was not asked for."
        )
        return Checked(State.UNREACHABLE, said)

    def _count(self, host: str, why: str | None) -> None:
        with self._lock:
            before = self._failures.get(host, (0, ""))[0]
            self._failures[host] = (0, "") if why is None else (before + 1, why)


def _looked(entry: Entry, checked: Checked, noted: Noted) -> Looked:
    whole = noted.place
    if checked.state is not State.UNREACHABLE or whole is None or whole.place != place_of(entry):
        return Looked(entry, checked, refused=noted.refused)
    return Looked(entry, Checked(checked.state, whole.why), refused=True, place=whole.place)


def _is_silence(entry: Entry, noted: Noted, begun: float) -> bool:
    """Tell whether a failure is one of the host, and not of this one thing: who says no to one may have the next."""
    if noted.refused or (kind := kind_of(entry)) == "file":
        return False
    # What a library of buckets was told is known to it alone; who answers at once may be asked again.
    return time.monotonic() - begun > _AT_ONCE if kind in _BUCKETS else not noted.answered


def _check(entry: Entry, reach: Noted, host: str) -> Checked:
    """Ask; whatever goes wrong with one reference is told of it, and stops no other."""
    try:
        with slot(host) if kind_of(entry) in _BUCKETS else nullcontext():
            checked = references.check(entry, reach)
            if checked.state is State.CHANGED and checked.now is None:
                return Checked(State.CHANGED, checked.why, _there(entry, reach))
            return checked
    except RegistryError as error:
        reach.note(error)
        return Checked(State.UNREACHABLE, str(error))
    except Exception as error:
        log.exception("A reference could not be looked at: %s", unsigned(entry.ref or ""))
        return Checked(
            State.UNREACHABLE, f"It could not be looked at: {type(error).__name__}. Tell an operator."
        )


def _there(entry: Entry, reach: Noted) -> Found | None:
    """Return what is there by now, where the comparison ended before it knew; None where that cannot be told."""
    uri = entry.ref or ""
    try:
        found = next(references.scheme_of(uri).look(uri, reach, max_objects=1), None)
    except RegistryError:
        return None
    # A folder in the place of a file is no entry of that path.
    return found if found is not None and not found.path else None


def _host_of(entry: Entry) -> str:
    """Return what is asked: a host, or a bucket."""
    kind = kind_of(entry)
    try:
        place = urlsplit(entry.ref or "")
        return f"{kind}://{place.netloc}" if kind in _BUCKETS else (place.hostname or kind)
    except ValueError:
        return kind

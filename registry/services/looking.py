"""A second look at some references: several at once, each host as often as it bears, up to a moment.

Threads ask the outside and touch no rows; what they found is written by who called.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from strongroom.core import references
from strongroom.core.entries import Entry
from strongroom.core.references.base import Answer, Checked, Reach, State

from registry.errors import ReferenceRefused, RegistryError
from registry.outbound import Resting

# What names something that can be looked at; of all else the URI itself is the digest.
_WATCHED = frozenset({"http", "https", "s3", "gs", "file", "wandb-artifact"})
# Read from the database, so by the thread that has its connection.
_OURS = "wandb-artifact"
# A host that failed so often in a row is not asked for the rest of a batch.
_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found of one reference; `refused` where the policy of this server keeps it from looking."""

    entry: Entry
    checked: Checked
    refused: bool = False


def scheme_of(entry: Entry) -> str:
    """Return the scheme of a reference's URI, in lower case."""
    return (entry.ref or "").partition(":")[0].lower()


def is_watched(entry: Entry) -> bool:
    """Say whether something was recorded of a reference that can be compared with what is there."""
    return scheme_of(entry) in _WATCHED and not (entry.digest == entry.ref and entry.size is None)


class Looking:
    """Looks at references until `until` (of `time.monotonic`), or until a host wants to be left alone for longer.

    `rest` says afterwards for how many seconds. With `is_impatient`, what such a host keeps back counts as
    unreachable, so that a look comes to its end.
    """

    def __init__(self, outside: Reach, until: float, *, is_impatient: bool = False) -> None:
        self._outside, self._until, self._is_impatient = outside, until, is_impatient
        self._stop, self._lock = Event(), Lock()
        self._failures: dict[str, tuple[int, str]] = {}
        self.rest = 0.0

    def at(self, entries: Sequence[Entry]) -> list[Looked]:
        """Return what was found of the first of the entries: of all, if there was time."""
        found: list[Looked] = []
        with ThreadPoolExecutor(settings.DRIFT_THREADS) as pool:
            try:
                waiting = [
                    None if scheme_of(entry) == _OURS else pool.submit(self._one, entry) for entry in entries
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
            noted = _Noted(self._outside)
            checked = _check(entry, noted)
            if noted.resting is None:
                self._count(host, checked, noted.refused)
                return Looked(entry, checked, refused=noted.refused)
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

    def _count(self, host: str, checked: Checked, refused: bool) -> None:
        failed = checked.state is State.UNREACHABLE and not refused
        with self._lock:
            before = self._failures.get(host, (0, ""))[0]
            self._failures[host] = (before + 1, checked.why) if failed else (0, "")


def _check(entry: Entry, reach: Reach) -> Checked:
    try:
        return references.check(entry, reach)
    except RegistryError as error:
        return Checked(State.UNREACHABLE, str(error))


def _host_of(entry: Entry) -> str:
    try:
        return urlsplit(entry.ref or "").netloc.lower() or scheme_of(entry)
    except ValueError:
        return entry.ref or ""


@dataclass
class _Noted:
    """A reach that notes why it was kept from something: a state alone does not tell."""

    inner: Reach
    refused: bool = False
    resting: Resting | None = field(default=None)

    def http(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Answer]:
        return _NotedAnswer(self, self._noting(self.inner.http, method, url, headers))

    def s3(self, bucket: str) -> Any:
        return self._noting(self.inner.s3, bucket)

    def gcs(self, bucket: str) -> Any:
        return self._noting(self.inner.gcs, bucket)

    def azure(self, account: str, container: str) -> Any:
        return self._noting(self.inner.azure, account, container)

    def local(self, path: str) -> str:
        return str(self._noting(self.inner.local, path))

    def artifact(self, artifact_id: str, path: str) -> Entry:
        found: Entry = self._noting(self.inner.artifact, artifact_id, path)
        return found

    def _noting(self, act: Any, *args: Any) -> Any:
        try:
            return act(*args)
        except BaseException as error:
            self.note(error)
            raise

    def note(self, error: BaseException) -> None:
        if isinstance(error, ReferenceRefused):
            self.refused = True
        elif isinstance(error, Resting):
            self.resting = error


class _NotedAnswer:
    """The answer of a noted reach: a context manager refuses only when it is entered."""

    def __init__(self, noted: _Noted, inner: AbstractContextManager[Answer]) -> None:
        self._noted, self._inner = noted, inner

    def __enter__(self) -> Answer:
        found: Answer = self._noted._noting(self._inner.__enter__)
        return found

    def __exit__(self, *told: Any) -> bool | None:
        return self._inner.__exit__(*told)

"""The outside as several threads reach it, and as it notes what kept one of them from a look."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from threading import Lock, local
from types import TracebackType
from typing import Any, TypeVar

from strongroom.core.entries import Entry
from strongroom.core.references.base import Answer, Reach

from registry.actor import Actor, system
from registry.errors import ReferenceRefused, ReferenceUnreachable
from registry.models import Version, VersionReference
from registry.models.versions import pk_of
from registry.outbound import Outside, PlaceRefused, Resting
from registry.outbound.entries import entry_of

# Less than what a task may take, with room for what else its batch asks.
LONGEST_READ = 420.0
T = TypeVar("T")
Opener = Callable[[], AbstractContextManager[Reach]]


class OfVersion(Outside):
    """What a version's team or person reaches, and of other artifacts what who logged the version saw then.

    That was noted with the version: who has left since takes nothing away from it. What was not seen then is
    judged by what they see now: a reference that was written by hand must not tell of what is not theirs.
    """

    def __init__(self, version: Version) -> None:
        super().__init__(version.sequence.project.entity, Actor(user=version.created_by, door="worker"))
        self._version_id = version.pk

    def artifact(self, artifact_id: str, path: str) -> Entry:
        """Return an entry of another artifact."""
        known = VersionReference.objects.filter(source=self._version_id, target=pk_of(artifact_id) or 0)
        return entry_of(system() if known.exists() else self.actor, artifact_id, path)


class Reaches:
    """One reach for all threads, whose clients of buckets bear that; and one each for the web, with its connections."""

    def __init__(self, opener: Opener) -> None:
        self._open, self._stack, self._lock, self._mine = opener, ExitStack(), Lock(), local()

    def __enter__(self) -> Reaches:
        self._shared = self._stack.enter_context(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def web(self) -> Reach:
        """The reach of the thread that asks."""
        found: Reach | None = getattr(self._mine, "web", None)
        if found is None:
            with self._lock:
                found = self._mine.web = self._stack.enter_context(self._open())
        return found

    @property
    def shared(self) -> Reach:
        """The reach of all threads."""
        return self._shared

    def made(self, make: Callable[..., T], *args: str) -> T:
        """Make a client, one thread after the other."""
        with self._lock:
            return make(*args)


@dataclass
class Noted:
    """A `strongroom.core.references.base.Reach` that notes why it was kept from something: a state does not tell."""

    reaches: Reaches
    refused: bool = False
    # What of a whole place was refused.
    place: PlaceRefused | None = None
    resting: Resting | None = None
    # Whether a web server answered what it was asked, whatever that was.
    answered: bool = False
    # Until when (of `time.monotonic`) a file may be read.
    until: float = field(default_factory=lambda: time.monotonic() + LONGEST_READ)

    def http(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Answer]:
        """Ask a web server."""
        return _NotedAnswer(self, self.noting(self.reaches.web.http, method, url, headers))

    def s3(self, bucket: str) -> Any:
        """Return a client of a bucket."""
        return self.noting(self.reaches.made, self.reaches.shared.s3, bucket)

    def gcs(self, bucket: str) -> Any:
        """Return a client of a bucket."""
        return self.noting(self.reaches.made, self.reaches.shared.gcs, bucket)

    def azure(self, account: str, container: str) -> Any:
        """Return a client of a container."""
        return self.noting(self.reaches.made, self.reaches.shared.azure, account, container)

    def go_on(self) -> None:
        """Raise when a file took so long to read that the worker would be stopped before it came to the end."""
        if time.monotonic() > self.until:
            raise ReferenceUnreachable(
                f"It takes longer than {LONGEST_READ / 60:.0f} minutes to read, so that it was not compared."
            )

    def local(self, path: str) -> str:
        """Return the path to open."""
        return self.noting(self.reaches.shared.local, path)

    def artifact(self, artifact_id: str, path: str) -> Entry:
        """Return an entry of another artifact."""
        return self.noting(self.reaches.shared.artifact, artifact_id, path)

    def noting(self, act: Callable[..., T], *args: Any) -> T:
        """Do something, and note what it raises."""
        try:
            return act(*args)
        except Exception as error:
            self.note(error)
            raise

    def note(self, error: BaseException) -> None:
        """Note an error that says more than that something cannot be reached."""
        if isinstance(error, ReferenceRefused):
            self.refused = True
            self.place = error if isinstance(error, PlaceRefused) else None
        elif isinstance(error, Resting):
            self.resting = error


class _NotedAnswer:
    """What `http` returned: it refuses only when it is entered."""

    def __init__(self, noted: Noted, inner: AbstractContextManager[Answer]) -> None:
        self._noted, self._inner = noted, inner

    def __enter__(self) -> Answer:
        answer = self._noted.noting(self._inner.__enter__)
        # One that says that it is broken says nothing of what was asked for.
        self._noted.answered = answer.status < 500
        return answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._inner.__exit__(kind, error, trace)

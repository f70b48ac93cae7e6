"""What a scheme of references does, and how it reaches the outside; client and server each bring their own reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from strongroom.core.entries import Entry

MAX_OBJECTS = 10_000_000


class State(StrEnum):
    """What was found when a reference was looked at again."""

    OK = "ok"
    CHANGED = "changed"
    MISSING = "missing"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Found:
    """One object that a URI names.

    `path` is relative to the name that the reference was given: empty for the object itself, `a/b.png`
    for one below a prefix or a directory. `digest`, `size` and `extra` are what an entry records.
    """

    uri: str
    path: str
    digest: str
    size: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a second look found; `why` is a sentence unless the state is `ok`, `now` what is there by now."""

    state: State
    why: str = ""
    now: Found | None = None


class Answer(Protocol):
    """The answer to a request by HTTP, its body not yet read; in the names of headers, case does not count."""

    status: int
    headers: Mapping[str, str]
    url: str

    def stream(self, amount: int) -> Iterator[bytes]:
        """Yield the body in pieces of at most `amount` bytes."""
        ...


class Stream(Protocol):
    """The bytes of an object from an offset on.

    `size` is that of the whole when the store tells, `md5` (hex) that of the whole when it vouches for one.
    """

    size: int | None
    md5: str | None

    def read(self, amount: int, /) -> bytes: ...


class Reach(Protocol):
    """How the outside is reached: the client goes straight there, the server as far as its operator allows.

    Every method raises ReferenceRefused where the policy says no, and never returns a half-open door. By HTTP,
    what gives no answer (a name that does not resolve, a connection that breaks, redirects that never end) is
    ReferenceUnreachable, while the body is read, too; the libraries of buckets raise their own errors.
    """

    def http(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Answer]:
        """Send a request, follow redirects, and yield the answer, whatever its status."""
        ...

    def s3(self, bucket: str) -> Any:
        """Return a boto3 client that may read the bucket."""
        ...

    def gcs(self, bucket: str) -> Any:
        """Return a google.cloud.storage Client that may read the bucket."""
        ...

    def azure(self, account: str, container: str) -> Any:
        """Return an azure.storage.blob ContainerClient that may read the container of an account."""
        ...

    def local(self, path: str) -> str:
        """Return the local path to open for the path of a `file` URI, links resolved where a policy holds.

        It is asked again for each link below a folder, and for the true path of each file and folder once it
        is open.
        """
        ...

    def artifact(self, artifact_id: str, path: str) -> Entry:
        """Return the entry at a path of another artifact, by the id that clients see."""
        ...

    # One with a limit of time has `go_on`, too, which is called while a large file is read, and raises when it is up.


class Scheme(Protocol):
    """One kind of URI."""

    def parse(self, uri: str) -> object:
        """Refuse, with InvalidUri, what is no URI of this kind."""
        ...

    def plain(self, uri: str) -> Found:
        """Return what is recorded without a look: digest and address are the URI, `path` the name by default."""
        ...

    def name(self, uri: str) -> str:
        """Return the path that the object itself gets when no name is given; empty when the URI has none."""
        ...

    def look(self, uri: str, reach: Reach, *, max_objects: int, after: str = "") -> Iterator[Found]:
        """Yield what the URI names, in path order where the store lists so, one page in memory at a time.

        `after` is the path of the last object that an earlier, interrupted look yielded: it goes on behind it.
        Raises TooManyObjects with the first object above `max_objects`, NothingFound when there is none.
        """
        ...

    def check(self, entry: Entry, reach: Reach) -> Checked:
        """Look again at a recorded reference; never raises for what a state can say."""
        ...

    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> AbstractContextManager[Stream]:
        """Open what was recorded, the exact version where the store keeps versions, from an offset on.

        Raises ReferenceChanged, ReferenceMissing or ReferenceUnreachable.
        """
        ...

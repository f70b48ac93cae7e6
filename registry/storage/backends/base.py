"""The port that every storage of blobs fulfils; tests/storage/conformance.py says what it promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from registry.storage.ranges import Range

# A signed link lives so many seconds at most.
LINK_SECONDS = 15 * 60


class Readable(Protocol):
    """Anything with `read(size)`: the body of a request, a file, a socket's file."""

    def read(self, size: int, /) -> bytes: ...


class Listed(NamedTuple):
    """An object as its storage lists it; `modified` is aware, and by the storage's clock."""

    name: str
    size: int
    modified: datetime


class Link(NamedTuple):
    """A signed request that somebody else may make: this method, these headers as they are, until it expires."""

    method: str
    url: str
    headers: dict[str, str]


class PartRules(NamedTuple):
    """What a storage takes as parts: `number` of `most` bytes; every one but the last has `least`, each a checksum."""

    least: int
    most: int
    number: int
    checksum: Literal["sha256", "md5"]


class Part(NamedTuple):
    """A part that arrived; `tag` is what the storage calls it."""

    number: int
    size: int
    tag: str = ""
    checksum: str = ""


class Unfinished(NamedTuple):
    """Parts of an object that is not there yet."""

    name: str
    id: str
    begun: datetime


class Backend(Protocol):
    """Objects by name: written once, whole and durable, read in ranges.

    What a storage elsewhere fails to do raises a StoreError, which is an OSError. FileNotFoundError means that the
    object is missing, and never that the storage could not be asked.
    """

    # What an operator knows the storage by: "local", "s3", "gcs", "azure", or what Django calls it.
    kind: str
    bucket_name: str
    prefix: str
    # What parts may be, where others can send them to the storage directly; None where they can't.
    parts: PartRules | None

    @property
    def place(self) -> str:
        """Say for operators where the objects lie."""
        ...

    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        """Make a finished local file, synced by its writer, the object `name`.

        With `keep` the file at `path` stays as well; without, the caller no longer relies on it.
        When this returns, the object survives a power cut; when it raises, there is none.
        """
        ...

    def put(self, name: str, stream: Readable, *, size: int | None = None) -> int:
        """Store all that the stream gives as `name`, durably; return its size. Knowing it before may help."""
        ...

    def open(self, name: str, offset: int = 0, length: int | None = None) -> Range:
        """Open a range for reading. Raise FileNotFoundError when there is no such object."""
        ...

    def size(self, name: str) -> int:
        """Return the object's size. Raise FileNotFoundError when there is none."""
        ...

    def exists(self, name: str) -> bool: ...

    def delete(self, name: str) -> None:
        """Delete the object; one that is gone already is no error."""
        ...

    def walk(self) -> Iterator[Listed]:
        """List all objects, in no order; one that is deleted meanwhile may be left out."""
        ...

    def local_path(self, name: str) -> Path | None:
        """Return where the object lies on this machine's disk, if it does."""
        ...

    # --- For those who talk to the storage themselves; only where `parts` says how --------------------------------
    @property
    def origin(self) -> str:
        """Return the origin that signed requests go to, as others reach it; "" where there are none."""
        ...

    def presign_get(
        self, name: str, *, disposition: str, content_type: str, seconds: int = LINK_SECONDS
    ) -> str | None:
        """Return an address that gives this object (or a range of it) to whoever has it, with these headers.

        None where there is no such thing. Nothing is asked: whether there is an object is not said.
        """
        ...

    def begin_parts(self, name: str) -> str | None:
        """Begin an object that others send in parts; return the id of its parts, None where that can't be."""
        ...

    def presign_part(
        self, name: str, id: str, number: int, *, size: int, checksum: bytes, seconds: int = LINK_SECONDS
    ) -> Link:
        """Return the request that sends part `number` (from 1), bound to its size and checksum, as far as can be."""
        ...

    def list_parts(self, name: str, id: str) -> list[Part]:
        """Return the parts that arrived, in order. Raise FileNotFoundError when nothing of this id is there."""
        ...

    def complete_parts(self, name: str, id: str, parts: Sequence[Part]) -> int:
        """Make the parts the object, in order, durably; return its size. Again, after an answer got lost, is fine.

        Raise FileNotFoundError when there is nothing of this id, and the object isn't there either.
        """
        ...

    def abort_parts(self, name: str, id: str) -> None:
        """Forget parts; what is gone already is no error."""
        ...

    def walk_parts(self) -> Iterator[Unfinished]:
        """List what was begun and neither completed nor aborted."""
        ...


class NoParts:
    """What a storage answers that others can't talk to."""

    parts: PartRules | None = None
    bucket_name = prefix = origin = ""

    def presign_get(
        self, name: str, *, disposition: str, content_type: str, seconds: int = LINK_SECONDS
    ) -> str | None:
        return None

    def begin_parts(self, name: str) -> str | None:
        return None

    def presign_part(
        self, name: str, id: str, number: int, *, size: int, checksum: bytes, seconds: int = LINK_SECONDS
    ) -> Link:
        raise FileNotFoundError(name)

    def list_parts(self, name: str, id: str) -> list[Part]:
        raise FileNotFoundError(name)

    def complete_parts(self, name: str, id: str, parts: Sequence[Part]) -> int:
        raise FileNotFoundError(name)

    def abort_parts(self, name: str, id: str) -> None:
        """There are none."""

    def walk_parts(self) -> Iterator[Unfinished]:
        return iter(())

"""The port that every storage of blobs fulfils; tests/storage/conformance.py says what it promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from registry.storage.ranges import Range


class Readable(Protocol):
    """Anything with `read(size)`: the body of a request, a file, a socket's file."""

    def read(self, size: int, /) -> bytes: ...


class Listed(NamedTuple):
    """An object as its storage lists it; `modified` is aware, and by the storage's clock."""

    name: str
    size: int
    modified: datetime


class Backend(Protocol):
    """Objects by name: written once, whole and durable, read in ranges."""

    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        """Make a finished local file, synced by its writer, the object `name`.

        With `keep` the file at `path` stays as well; without, the caller no longer relies on it.
        When this returns, the object survives a power cut; when it raises, there is none.
        """
        ...

    def put(self, name: str, stream: Readable) -> int:
        """Store all that the stream gives as `name`, durably; return its size."""
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

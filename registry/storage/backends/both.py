"""Two storages while blobs move from one to the other: written to the first, read from whichever has the object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from registry.storage.backends.base import LINK_SECONDS, Backend, Link, Listed, Part, Readable, Unfinished
from registry.storage.ranges import Range


class BothBackends:
    """The port to a storage, with another behind it that is asked for what the first doesn't have.

    An object has the same bytes wherever it lies, for its name is used once: it does not matter which one gives them.
    What is listed is the first's alone: the other is left behind as a whole, or not yet in use.
    """

    def __init__(self, first: Backend, other: Backend) -> None:
        self.first = first
        self.other = other
        self.parts = first.parts
        self.kind, self.bucket_name, self.prefix = first.kind, first.bucket_name, first.prefix

    @property
    def place(self) -> str:
        """Say for operators where the objects lie."""
        return f"{self.first.place}; also read: {self.other.place}"

    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        self.first.adopt(path, name, keep=keep)

    def put(self, name: str, stream: Readable, *, size: int | None = None) -> int:
        return self.first.put(name, stream, size=size)

    def open(self, name: str, offset: int = 0, length: int | None = None) -> Range:
        try:
            return self.first.open(name, offset, length)
        except FileNotFoundError:
            return self.other.open(name, offset, length)

    def size(self, name: str) -> int:
        try:
            return self.first.size(name)
        except FileNotFoundError:
            return self.other.size(name)

    def exists(self, name: str) -> bool:
        return self.first.exists(name) or self.other.exists(name)

    def delete(self, name: str) -> None:
        # First where it is read last: what fails in between is deleted by the next round.
        self.other.delete(name)
        self.first.delete(name)

    def walk(self) -> Iterator[Listed]:
        return self.first.walk()

    def local_path(self, name: str) -> Path | None:
        path = self.first.local_path(name)
        if path is not None and path.exists():
            return path
        return self.other.local_path(name) or path

    @property
    def origin(self) -> str:
        return self.first.origin

    def presign_get(
        self, name: str, *, disposition: str, content_type: str, seconds: int = LINK_SECONDS
    ) -> str | None:
        where = self.first if self.first.exists(name) else self.other
        return where.presign_get(name, disposition=disposition, content_type=content_type, seconds=seconds)

    def begin_parts(self, name: str) -> str | None:
        return self.first.begin_parts(name)

    def presign_part(
        self, name: str, id: str, number: int, *, size: int, checksum: bytes, seconds: int = LINK_SECONDS
    ) -> Link:
        return self.first.presign_part(name, id, number, size=size, checksum=checksum, seconds=seconds)

    def list_parts(self, name: str, id: str) -> list[Part]:
        return self.first.list_parts(name, id)

    def complete_parts(self, name: str, id: str, parts: Sequence[Part]) -> int:
        return self.first.complete_parts(name, id, parts)

    def abort_parts(self, name: str, id: str) -> None:
        self.first.abort_parts(name, id)

    def walk_parts(self) -> Iterator[Unfinished]:
        return self.first.walk_parts()

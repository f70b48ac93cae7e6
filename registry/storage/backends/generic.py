"""Any Django storage behind the port; durable is what the storage itself promises when a save returns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.files.base import File
from django.core.files.storage import Storage

from registry.errors import Unavailable
from registry.storage.backends.base import Listed, NoParts, Readable
from registry.storage.durable import incoming_file
from registry.storage.limits import PIECE
from registry.storage.ranges import Range, StreamRange


class GenericBackend(NoParts):
    """The port to a storage of which nothing is known but Django's own interface."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.kind = type(storage).__name__

    @property
    def place(self) -> str:
        return f"a {self.kind} of Django"

    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        with path.open("rb") as source:
            self._save(name, File(source))
        if not keep:
            path.unlink(missing_ok=True)

    def put(self, name: str, stream: Readable, *, size: int | None = None) -> int:
        # By way of a file: a stream cut short must not leave half an object.
        with incoming_file() as file:
            while data := stream.read(PIECE):
                file.write(data)
            file.close()
            self.adopt(file.path, name)
            return file.size

    def _save(self, name: str, content: File[Any]) -> None:
        # Most storages invent another name when one is taken; ours mean one object each.
        self.delete(name)
        kept = self._storage.save(name, content)
        if kept != name:
            self._storage.delete(kept)
            raise Unavailable(
                f"The storage kept an object as {kept!r} instead of {name!r}; nothing was stored."
            )

    def open(self, name: str, offset: int = 0, length: int | None = None) -> Range:
        file = self._storage.open(name, "rb")
        return StreamRange(cast(BinaryIO, file), file.size, offset, length)

    def size(self, name: str) -> int:
        return self._storage.size(name)

    def exists(self, name: str) -> bool:
        return self._storage.exists(name)

    def delete(self, name: str) -> None:
        if self._storage.exists(name):
            self._storage.delete(name)

    def walk(self) -> Iterator[Listed]:
        folders = [""]
        while folders:
            folder = folders.pop()
            with suppress(FileNotFoundError):
                below, names = self._storage.listdir(folder)
                folders += [f"{folder}{name}/" for name in below]
                for name in (f"{folder}{name}" for name in names):
                    with suppress(FileNotFoundError):
                        yield Listed(name, self._storage.size(name), self._storage.get_modified_time(name))

    def local_path(self, name: str) -> Path | None:
        return None

"""Blobs on a local disk, written so that they survive a power cut."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from registry.storage.backends.base import Listed, NoParts, Readable
from registry.storage.durable import fsync_directory, incoming_file, make_folders
from registry.storage.limits import PIECE
from registry.storage.ranges import FileRange, Range

# Where the file system knows no second name for a file, it is renamed instead.
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EMLINK}


class LocalBlobStorage(FileSystemStorage):
    """Django's file storage with durable writes and names that are kept as given."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Never rename: a name that exists is replaced, whole and at once."""
        return name

    def _save(self, name: str, content: File[Any]) -> str:
        with incoming_file() as file:
            for chunk in content.chunks(PIECE):
                file.write(chunk)
            file.sync()
            self.adopt(file.path, name)
        return name

    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        """Give a synced file of the same file system its final name, durably."""
        final = Path(self.path(name))
        make_folders(final.parent)
        try:
            if keep:
                _link(path, final)
            else:
                os.replace(path, final)
            fsync_directory(final.parent)
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise ImproperlyConfigured(
                    "INCOMING_DIR must lie on the same file system as the blobs: set both below one DATA_DIR."
                ) from error
            # The name may or may not be on the disk: nobody was told of it, so it goes.
            final.unlink(missing_ok=True)
            raise


def _link(path: Path, final: Path) -> None:
    try:
        os.link(path, final)
    except FileExistsError:
        # Left by a try that was cut short before anybody was told.
        final.unlink(missing_ok=True)
        os.link(path, final)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        os.replace(path, final)


class LocalBackend(NoParts):
    """The port to a local disk."""

    kind = "local"

    def __init__(self, storage: LocalBlobStorage) -> None:
        self._storage = storage

    @property
    def place(self) -> str:
        return f"the folder {self._storage.path('')}"

    def adopt(self, path: Path, name: str, *, keep: bool = False) -> None:
        self._storage.adopt(path, name, keep=keep)

    def put(self, name: str, stream: Readable, *, size: int | None = None) -> int:
        with incoming_file() as file:
            while data := stream.read(PIECE):
                file.write(data)
            file.sync()
            self.adopt(file.path, name)
            return file.size

    def open(self, name: str, offset: int = 0, length: int | None = None) -> Range:
        return FileRange(self._storage.path(name), offset, length)

    def size(self, name: str) -> int:
        return os.stat(self._storage.path(name)).st_size

    def exists(self, name: str) -> bool:
        return self._storage.exists(name)

    def delete(self, name: str) -> None:
        Path(self._storage.path(name)).unlink(missing_ok=True)

    def walk(self) -> Iterator[Listed]:
        root = self._storage.path("")
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                with suppress(FileNotFoundError):
                    found = os.stat(path)
                    modified = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield Listed(os.path.relpath(path, root), found.st_size, modified)

    def local_path(self, name: str) -> Path | None:
        return Path(self._storage.path(name))

"""Durable files: fsync the file, rename it, fsync the directory; whatever fails is discarded."""

from __future__ import annotations

import errno
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from registry.errors import StorageFull, Unavailable
from registry.storage.trouble import StoreError, Trouble

log = logging.getLogger(__name__)
Data = bytes | bytearray | memoryview
FULL = {errno.ENOSPC, errno.EDQUOT}


def incoming_dir() -> Path:
    """Return the folder of unfinished files; it lies on the file system of the blobs."""
    return Path(settings.INCOMING_DIR)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise what the disk refuses as errors that say what to do."""
    try:
        yield
    except OSError as error:
        raise as_storage_error(error) from error


def as_storage_error(error: OSError) -> StorageFull | Unavailable:
    """Name an error of the disk, or of the store elsewhere; nothing is said of paths, which are the operator's."""
    if isinstance(error, StoreError):
        log.warning("The object store did not do what it was asked: %s", error)
        if error.trouble is Trouble.FULL:
            return StorageFull(error.trouble.value)
        return Unavailable(error.trouble.value, store=error.trouble.name.lower())
    if error.errno in FULL:
        return StorageFull(
            "The server's disk is full. Try again when it has space; what arrived of uploads is kept."
        )
    return Unavailable(
        "The server's disk failed. Try again later, or tell its administrator.",
        errno=errno.errorcode.get(error.errno or 0, "unknown"),
    )


def fsync_directory(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# Folders whose own names this process has made durable. Seeing that a folder exists is not enough:
# another thread may have made it a moment ago and not synced it yet.
_durable_folders: set[Path] = set()


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, durably."""
    if folder in _durable_folders and folder.is_dir():
        return
    parent = folder.parent
    # Above what this process may write to, there is nothing that one of ours could have made.
    ours = parent != folder and (not parent.is_dir() or os.access(parent, os.W_OK))
    if ours:
        make_folders(parent)
    folder.mkdir(exist_ok=True)
    if ours:
        fsync_directory(parent)
    _durable_folders.add(folder)


def write_all(handle: int, data: Data) -> None:
    """Write every byte: the system may take fewer than it is offered."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(handle, view) :]


class IncomingFile:
    """A file in the making, under a temporary name."""

    def __init__(self) -> None:
        folder = incoming_dir()
        make_folders(folder)
        self.path = folder / f"{uuid.uuid4().hex}.tmp"
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._closed = False
        self.size = 0

    def write(self, data: Data) -> None:
        write_all(self._handle, data)
        self.size += memoryview(data).nbytes

    def sync(self) -> None:
        """Make the bytes durable. Once it has failed the system may have dropped them: never try again."""
        os.fsync(self._handle)
        self.close()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            os.close(self._handle)


@contextmanager
def incoming_file() -> Iterator[IncomingFile]:
    """Give a temporary file that is gone afterwards, unless it was adopted under another name."""
    with disk_errors():
        file = IncomingFile()
        try:
            yield file
        finally:
            file.close()
            file.path.unlink(missing_ok=True)

"""The files of an upload's parts: append-only, and their size is the truth of what arrived."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from registry.errors import Conflict, OffsetMismatch
from registry.storage.durable import Data, fsync_directory, incoming_dir, make_folders, write_all
from registry.storage.writeback import Writeback


def uploads_dir() -> Path:
    return incoming_dir() / "uploads"


def folder_of(upload: UUID) -> Path:
    return uploads_dir() / upload.hex


def part_path(upload: UUID, number: int) -> Path:
    return folder_of(upload) / str(number)


def received(upload: UUID, number: int) -> int:
    """Return how many bytes of a part arrived."""
    try:
        return part_path(upload, number).stat().st_size
    except FileNotFoundError:
        return 0


def remove(upload: UUID) -> None:
    """Remove all that arrived of an upload."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder_of(upload))


@contextmanager
def completing(upload: UUID) -> Iterator[None]:
    """Let one request at a time complete an upload; the lock ends with the process, whatever ends it."""
    folder = folder_of(upload)
    make_folders(uploads_dir())
    folder.mkdir(exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def given_up() -> Iterator[None]:
    """Name what it means when the files go under our hands: somebody gave the upload up, or completed it."""
    try:
        yield
    except FileNotFoundError as error:
        raise Conflict(
            "This upload was given up or completed meanwhile. Ask what the draft lacks, and begin anew."
        ) from error


class PartFile:
    """A part that one request appends to.

    The file is locked only while a piece is written, never while the network is waited for: a
    connection that died without a word must not keep its owner from going on over another. Who
    finds the file longer than where he left it knows that somebody took over.
    """

    def __init__(self, upload: UUID, number: int) -> None:
        self.path = part_path(upload, number)
        make_folders(uploads_dir())
        self.path.parent.mkdir(exist_ok=True)
        self._new = not self.path.exists()
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.end = os.fstat(self._handle).st_size
        self._writeback = Writeback(self._handle, self.end)
        self._dirty = False

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def expect(self, offset: int) -> None:
        """Insist that the sender goes on where the file ends."""
        if offset != self.end:
            raise OffsetMismatch(
                f"{self.end} bytes of this part arrived; go on from there, not from {offset}.",
                received=self.end,
            )

    def append(self, piece: Data) -> None:
        with self._locked():
            if os.fstat(self._handle).st_size != self.end:
                raise Conflict(
                    "Another connection is sending this part. Ask what arrived, and go on from there."
                )
            self._dirty = True
            write_all(self._handle, piece)
        self.end += len(piece)
        self._writeback.wrote(len(piece))

    def sync(self) -> None:
        """Make what was appended durable; if that fails, the system may have dropped any of it: it goes."""
        self._writeback.finish()
        if not self._dirty:
            return
        self._dirty = False
        try:
            os.fsync(self._handle)
        except OSError:
            with self._locked():
                os.ftruncate(self._handle, 0)
            raise
        if self._new:
            fsync_directory(self.path.parent)
            fsync_directory(self.path.parent.parent)

    def close(self) -> None:
        os.close(self._handle)

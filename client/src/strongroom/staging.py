"""Copies that protect files from changes until they are logged: small ones in one pack, large ones each alone."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path

from strongroom import settings
from strongroom._files import BINARY, cache_errors, clone, lock_file, locked
from strongroom.errors import LocalFileError

# Up to here a file's bytes go into the pack: thousands of tiny copies would cost more than the upload.
SMALL = 1 << 20
WRITE_FROM = 1 << 20


class Staging:
    """A private folder of one draft; it goes with the draft, or with the next one when the process was killed."""

    def __init__(self) -> None:
        with cache_errors():
            self.folder, held = _own_folder(settings.cache_dir() / "staging")
            self._pack = os.open(self.folder / "pack", os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        self._guard = threading.Lock()
        self._end = 0
        self._buffer = bytearray()
        self._copies = 0
        self.close = weakref.finalize(self, _discard, self.folder, [self._pack, held], os.getpid())

    @property
    def has_copies(self) -> bool:
        """Tell whether any large file was copied."""
        return self._copies > 0

    def holds(self, path: str) -> bool:
        """Tell whether a file is one of the copies."""
        return os.path.dirname(path) == str(self.folder)

    def keep(self, data: bytes) -> int:
        """Copy bytes into the pack and return their place."""
        with self._guard, cache_errors():
            place, self._end = self._end, self._end + len(data)
            self._buffer += data
            if len(self._buffer) >= WRITE_FROM:
                self._flush()
        return place

    def read(self, place: int, size: int) -> bytes:
        """Return bytes of the pack."""
        with self._guard, cache_errors():
            self._flush()
            os.lseek(self._pack, place, os.SEEK_SET)
            return os.read(self._pack, size)

    def _flush(self) -> None:
        if not self._buffer:
            return
        os.lseek(self._pack, self._end - len(self._buffer), os.SEEK_SET)
        view = memoryview(bytes(self._buffer))
        while view:
            view = view[os.write(self._pack, view) :]
        self._buffer.clear()

    def copy(self, path: str) -> str:
        """Copy a large file into the folder, sharing its blocks where the file system can, and return the copy."""
        with self._guard:
            self._copies += 1
            target = self.folder / f"copy-{self._copies}"
        try:
            with open(path, "rb") as file:
                clone(file.fileno(), target, 0o400)
        except OSError as error:
            raise LocalFileError(f"{path} cannot be copied to {self.folder}: {error}.") from error
        return str(target)


def _own_folder(above: Path) -> tuple[Path, int]:
    """Make a folder that nobody else uses, and return it with its lock."""
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One at a time, so that nobody sweeps a folder whose lock is not yet held.
    with locked(above / "lock"):
        _sweep(above)
        folder = Path(tempfile.mkdtemp(dir=above))
        return folder, lock_file(folder / "lock")


def _discard(folder: Path, descriptors: list[int], owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked child must not take its parent's files away
    for descriptor in descriptors:
        os.close(descriptor)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(above: Path) -> None:
    """Remove what killed processes left: a folder whose lock nobody holds."""
    for folder in above.iterdir():
        if not folder.is_dir():
            continue
        try:
            descriptor = lock_file(folder / "lock", create=False)
        except OSError:
            continue  # held by a living process
        _discard(folder, [descriptor], os.getpid())

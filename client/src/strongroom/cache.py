"""The local cache: files by SHA-256 under one private folder, bounded, checked whenever they are used."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from strongroom import settings
from strongroom._files import BINARY, NO_FOLLOW, cache_errors, clone, locked

# Cleaning goes a little below the limit, so that it is not due again at once.
CLEAN_TO = 0.9
STALE_SECONDS = 24 * 3600
TOUCH_SECONDS = 60


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What the cache holds."""

    folder: str
    files: int
    size: int
    limit: int


class Cache:
    """Keeps bytes by digest.

    A file is kept by a hard link to what was downloaded, where that is possible: it costs no space and no time.
    Whoever changes that file in place changes the cached one too, so that a hit counts only once its bytes were
    hashed again, and it is always copied, never linked, to where it is wanted.
    """

    def __init__(self, folder: Path | None = None, limit: int | None = None) -> None:
        self.folder = folder or settings.cache_dir()
        self.limit = settings.cache_size() if limit is None else limit
        self._objects = str(self.folder / "objects")
        self._made: set[str] = set()
        self._added = 0
        self._guard = threading.Lock()

    def open(self, sha256: bytes, size: int) -> int | None:
        """Return a descriptor of the file that is said to have this digest, or None; its bytes are not checked yet."""
        path = self._path(sha256)
        try:
            descriptor = os.open(path, os.O_RDONLY | NO_FOLLOW | BINARY)
        except OSError:
            return None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != size:
            os.close(descriptor)
            self.drop(sha256)
            return None
        # Never the times of a file that somebody else holds as well; and not at every use, like the kernel itself.
        if found.st_nlink == 1 and time.time() - found.st_atime > TOUCH_SECONDS:
            with contextlib.suppress(OSError):  # somebody else's file, or a disk that is read only
                os.utime(path, ns=(time.time_ns(), found.st_mtime_ns))
        return descriptor

    def is_empty(self) -> bool:
        """Tell whether there can be no hit at all."""
        return not os.path.isdir(self._objects)

    def keep(self, sha256: bytes, name: str, folder: int | None = None) -> None:
        """Keep a file whose bytes were just verified; a cache that cannot be written to is no error.

        The name is relative to the open folder, where one is given.
        """
        target = self._path(sha256)
        try:
            self._make(os.path.dirname(target))
            size = _link_or_copy(name, folder, target, self.limit // 4)
        except OSError:
            return
        with self._guard:
            self._added += size

    def known(self, reference: bytes) -> tuple[bytes, int] | None:
        """Return SHA-256 and size of what a reference named when it was fetched; its bytes may be gone by now."""
        try:
            noted = Path(self._note(reference)).read_text("ascii").split()
            return bytes.fromhex(noted[0]), int(noted[1])
        except (OSError, ValueError, IndexError):
            return None

    def note(self, reference: bytes, sha256: bytes, size: int) -> None:
        """Remember what a reference named, when its digest stands for the bytes."""
        target = Path(self._note(reference))
        fresh = target.with_name(f"tmp-{secrets.token_hex(8)}")
        try:
            self._make(str(target.parent))
            fresh.write_text(f"{sha256.hex()} {size}", "ascii")
            os.replace(fresh, target)
        except OSError:  # likewise no error
            fresh.unlink(missing_ok=True)

    def drop(self, sha256: bytes) -> None:
        """Forget a file, because its bytes are not what its name says."""
        with contextlib.suppress(OSError):  # one that stays is found out again at its next use
            os.unlink(self._path(sha256))

    def settle(self) -> None:
        """Count what was added, and clean when there is too much; called once at the end of a transfer.

        It looks also when nothing was added: the limit may be lower than it was.

        A cache that cannot be cleaned is no error either: what was transferred is complete.
        """
        with self._guard:
            added, self._added = self._added, 0
        if not added and self.is_empty():
            return
        with contextlib.suppress(OSError), locked(self.folder / "usage") as descriptor:
            counted = os.read(descriptor, 32).strip()
            used = (int(counted) if counted.isdigit() else self.info().size) + added
            if used > self.limit:
                used -= self._shrink(int(self.limit * CLEAN_TO))
            if str(used).encode() != counted:
                _rewrite(descriptor, used)

    def clean(self, target: int = 0) -> int:
        """Remove what was used longest ago until at most `target` bytes are left, and return how many went."""
        if self.is_empty():
            return 0
        with cache_errors(), locked(self.folder / "usage") as descriptor:
            freed = self._shrink(target)
            _rewrite(descriptor, self.info().size)
        return freed

    def info(self) -> CacheInfo:
        """Count what is there."""
        sizes = [found.st_size for _, found in self._files()]
        return CacheInfo(str(self.folder), len(sizes), sum(sizes), self.limit)

    def _shrink(self, target: int) -> int:
        files = sorted(self._files(), key=lambda file: file[1].st_atime_ns)
        total = before = sum(found.st_size for _, found in files)
        for path, found in files:
            stale = path.name.startswith("tmp-") and time.time() - found.st_mtime > STALE_SECONDS
            if total > target or stale:
                path.unlink(missing_ok=True)
                total -= found.st_size
        return before - total

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, _, names in os.walk(self._objects):
            for name in names:
                path = Path(folder, name)
                try:
                    yield path, path.lstat()
                except FileNotFoundError:
                    continue  # another process cleans at the same time

    def _path(self, sha256: bytes) -> str:
        name = sha256.hex()
        return f"{self._objects}{os.sep}{name[:2]}{os.sep}{name[2:]}"

    def _note(self, reference: bytes) -> str:
        # Among the objects, so that a cache that is cleaned forgets the oldest of these, too.
        name = reference.hex()
        return f"{self._objects}{os.sep}{name[:2]}{os.sep}{name[2:]}.reference"

    def _make(self, folder: str) -> None:
        if folder not in self._made:
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chmod(self._objects, 0o700)
            self._made.add(folder)


def _link_or_copy(name: str, folder: int | None, target: str, largest_copy: int) -> int:
    """Put a file in place, and return how many bytes the cache grew by."""
    source = os.open(name, os.O_RDONLY | NO_FOLLOW | BINARY, dir_fd=folder)
    try:
        size = os.fstat(source).st_size
        try:
            os.link(name, target, src_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            return 0
        except (OSError, NotImplementedError):  # another file system, or one without links
            return _copy(source, target) if size <= largest_copy else 0
        return size
    finally:
        os.close(source)


def _copy(source: int, target: str) -> int:
    fresh = Path(target).with_name(f"tmp-{secrets.token_hex(8)}")
    try:
        clone(source, fresh, 0o600)
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    return os.stat(target).st_size


def _rewrite(descriptor: int, used: int) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.truncate(descriptor, 0)
    os.write(descriptor, str(used).encode())

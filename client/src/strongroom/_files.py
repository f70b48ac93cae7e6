"""Small things about local files that the standard library leaves out: sharing blocks, locks, and errors that help."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom import settings
from strongroom.errors import LocalFileError, StrongroomError

if sys.platform != "win32":  # which has neither shared blocks nor flock
    import fcntl

_FICLONE = 0x40049409
BINARY = getattr(os, "O_BINARY", 0)
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# To open a pipe would otherwise wait for somebody to write to it.
NO_WAIT = getattr(os, "O_NONBLOCK", 0)


@contextmanager
def cache_errors() -> Iterator[None]:
    """Say what went wrong in the cache folder, and how to choose another one."""
    try:
        yield
    except StrongroomError:  # some are errors of the system as well, and say more already
        raise
    except OSError as error:
        raise LocalFileError(
            f"The cache folder {settings.cache_dir()} cannot be used: {reason(error)}."
            " Make room or give yourself access there, or set STRONGROOM_CACHE_DIR to another folder."
        ) from error


@contextmanager
def temporary_errors(kind: type[Exception] = OSError) -> Iterator[None]:
    """Say what went wrong with a temporary file, and how to have it elsewhere."""
    try:
        yield
    except kind as error:
        raise LocalFileError(
            f"A temporary file cannot be kept: {reason(error)}. Make room, or set TMPDIR to a folder that has some."
        ) from error


def reason(error: Exception) -> str:
    """Return what the system says is wrong, and with which file."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.strerror} ({os.fsdecode(error.filename)})" if error.filename else error.strerror


def share_blocks(source: int, target: int) -> bool:
    """Make the target share the blocks of the source (a reflink), where the file system can."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def clone(source: int, target: str | Path, mode: int) -> None:
    """Copy an open file to a new one, by sharing blocks where that is possible; never by a hard link."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | BINARY, mode)
    try:
        if not share_blocks(source, descriptor):
            _copy(source, descriptor)
    finally:
        os.close(descriptor)


def _copy(source: int, target: int) -> None:
    if hasattr(os, "copy_file_range"):
        try:
            while os.copy_file_range(source, target, 1 << 30):
                pass
        except OSError:  # another file system, or one that cannot: start again by reading
            os.lseek(source, 0, os.SEEK_SET)
            os.lseek(target, 0, os.SEEK_SET)
            os.truncate(target, 0)
        else:
            return
    with open(source, "rb", closefd=False) as read, open(target, "wb", closefd=False) as write:
        shutil.copyfileobj(read, write, 1 << 20)


def lock_file(path: Path, *, create: bool = True) -> int:
    """Open a file and lock it for this process, or raise `OSError` when another holds it."""
    descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
    try:
        lock(descriptor)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the lock of a file, waiting for it as long as it takes."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        lock(descriptor, wait=True)
        yield descriptor
    finally:
        os.close(descriptor)


def lock(descriptor: int, *, wait: bool = False) -> None:
    """Lock an open file; the lock goes with the last descriptor, however the process ends."""
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

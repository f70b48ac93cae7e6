"""`file` references: only below the operator's roots, judged by what was opened and never by how it is spelled."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from django.conf import settings

from registry.errors import ReferenceMissing, ReferenceRefused, ReferenceUnreachable


@contextmanager
def opened(team: str, path: str) -> Iterator[int]:
    """Open a file or folder for reading and yield its descriptor, which stays on it whatever its name does."""
    pin = _pinned(team, path)
    try:
        descriptor = _through(pin, path)
    finally:
        os.close(pin)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def resolved(team: str, path: str) -> str:
    """Return the true path of a file or folder that may be read."""
    pin = _pinned(team, path)
    try:
        return os.readlink(f"/proc/self/fd/{pin}")
    finally:
        os.close(pin)


def _pinned(team: str, path: str) -> int:
    """Judge a path, hold what it leads to without opening it (a device would notice), and judge that."""
    if not hasattr(os, "O_PATH"):
        raise _refused(path, "on this system the server reads no references to files")
    roots = [root.path for root in settings.OUTBOUND.roots if root.team in ("", team)]
    if not roots:
        raise _refused(path, "no folder is opened for references")
    if not _is_plain(path) or not any(_is_below(path, root) for root in roots):
        raise _refused(path, "it is not below a folder that is opened for references")
    try:
        pin = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise _failed(path, error) from None
    try:
        _check_held(pin, path, roots)
    except BaseException:
        os.close(pin)
        raise
    return pin


def _check_held(pin: int, path: str, roots: list[str]) -> None:
    real, status = os.readlink(f"/proc/self/fd/{pin}"), os.fstat(pin)
    if not any(_is_below(real, os.path.realpath(root)) for root in roots) or _is_below(
        real, str(settings.DATA_DIR)
    ):
        raise _refused(path, "it leads out of the folders that are opened for references")
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise _refused(path, "it is neither a file nor a folder")


def _through(pin: int, path: str) -> int:
    try:
        # The link in /proc leads to what is held, by no name that could be changed meanwhile.
        return os.open(f"/proc/self/fd/{pin}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise _failed(path, error) from None


def _is_plain(path: str) -> bool:
    """Tell whether a path is absolute and spelled without detours."""
    return path.startswith("/") and "\0" not in path and os.path.normpath(path) == (path.rstrip("/") or "/")


def _is_below(path: str, root: str) -> bool:
    return PurePosixPath(path).is_relative_to(root)


def _failed(path: str, error: OSError) -> ReferenceMissing | ReferenceUnreachable:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return ReferenceMissing(f"There is nothing at {path}.", uri=f"file://{path}")
    return ReferenceUnreachable(
        f"The server cannot read {path}: {(error.strerror or 'it failed').lower()}.", uri=f"file://{path}"
    )


def _refused(path: str, why: str) -> ReferenceRefused:
    return ReferenceRefused(
        f"The server may not read {path}: {why}. The operator opens folders by STRONGROOM_REFERENCE_ROOTS.",
        uri=f"file://{path}",
    )

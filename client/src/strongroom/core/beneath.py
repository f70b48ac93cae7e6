"""Reaching a file below a folder without following any symbolic link on the way."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from strongroom.core.errors import InvalidPath

# What a folder answers that is opened as one, but is a file or a link: the systems differ.
_NO_FOLDER = (errno.ENOTDIR, errno.ELOOP, errno.EMLINK)


@contextmanager
def open_parts(root_fd: int, parts: Sequence[str], *, create: bool) -> Iterator[int]:
    """Yield a handle of the folder that these parts lead to from the folder open as `root_fd`.

    Each folder is opened relative to the one above with O_NOFOLLOW, so that no symbolic link is
    followed, whoever plants one meanwhile.
    """
    handle = os.dup(root_fd)
    try:
        for at, part in enumerate(parts):
            below = _enter(handle, part, "/".join(parts[: at + 1]), create=create)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def _enter(handle: int, part: str, path: str, *, create: bool) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        try:
            return os.open(part, flags, dir_fd=handle)
        except FileNotFoundError:
            if not create:
                raise
        # Another thread may be making the same folder.
        with suppress(FileExistsError):
            os.mkdir(part, 0o777, dir_fd=handle)
        return os.open(part, flags, dir_fd=handle)
    except OSError as failed:
        if failed.errno in _NO_FOLDER:
            raise _in_the_way(path) from None
        raise


def refuse_links(base: Path, parts: Sequence[str]) -> Path:
    """Return the place below `base` that these parts name; refuse it when one of them is a link or no folder.

    For systems without folder handles: between this check and the use somebody could plant a link.
    """
    place = base
    for at, part in enumerate(parts):
        place = place / part
        try:
            found = os.lstat(place)
        except FileNotFoundError:
            return base.joinpath(*parts)
        except NotADirectoryError:
            raise _in_the_way("/".join(parts[:at])) from None
        if _is_link(found) or (at < len(parts) - 1 and not stat.S_ISDIR(found.st_mode)):
            raise _in_the_way("/".join(parts[: at + 1]))
    return place


def _is_link(found: os.stat_result) -> bool:
    # Junctions and mount points of Windows are no symbolic links to `stat`, and lead outside as well.
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_reparse_tag", 0))


def _in_the_way(path: str) -> InvalidPath:
    return InvalidPath(
        f'"{path}" is a symbolic link or a file where a folder is needed. Remove it, or choose another folder.',
        path=path,
    )

"""Paths of entries, and how they are written below a folder without ever leaving it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from strongroom.core.errors import InvalidPath
from strongroom.core.names import forbidden_character

LONGEST_PATH = 4096
LONGEST_PART = 255

_DRIVE = re.compile(r"[A-Za-z]:")
# Most paths are of these characters alone and need no closer look.
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_. -]*(/[A-Za-z0-9_-][A-Za-z0-9_. -]*)*", re.ASCII)


def check_entry_path(path: Any) -> str:
    """Check the path of an entry: relative, `/`-separated, canonical, and safe on POSIX and Windows alike."""
    if not isinstance(path, str) or not path:
        raise InvalidPath("A path inside an artifact is a text that isn't empty.")
    if len(path) <= LONGEST_PART and _PLAIN.fullmatch(path):
        return path
    if len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        _refuse(path, f"is longer than {LONGEST_PATH} bytes. Shorten it")
    if path.startswith("/") or _DRIVE.match(path):
        _refuse(path, "is absolute. Name it relative to the artifact's root")
    if "\\" in path:
        _refuse(path, 'contains a backslash. Separate folders with "/"')
    bad = forbidden_character(path)
    if bad is not None:
        _refuse(path, f"contains the control or invisible character U+{ord(bad):04X}. Remove it")
    for part in path.split("/"):
        _check_part(path, part)
    return path


def _check_part(path: str, part: str) -> None:
    if not part:
        _refuse(path, 'has an empty part. Write single "/" between names, none at the ends')
    if part in (".", ".."):
        _refuse(path, f'contains "{part}". Write the path without it')
    if len(part.encode()) > LONGEST_PART:
        _refuse(path, f"has a name of more than {LONGEST_PART} bytes. Shorten it")


def _refuse(path: str, why: str) -> None:
    shown = path[:200].encode("unicode_escape").decode("ascii")
    raise InvalidPath(f'The path "{shown}" {why}.', path=shown)


def safe_join(root: str | os.PathLike[str], path: str) -> Path:
    """Return the place of an entry below `root`; raises InvalidPath when a symbolic link on the way leads out."""
    base = Path(root).resolve()
    place = base.joinpath(*check_entry_path(path).split("/"))
    parent = place.parent.resolve()
    if parent != base and base not in parent.parents:
        raise InvalidPath(
            f'"{path}" leads outside of {root} through a symbolic link. Remove the link.', path=path
        )
    return place


@contextmanager
def open_beneath(root_fd: int, path: str, *, create: bool = True) -> Iterator[tuple[int, str]]:
    """Yield a handle of the folder that holds `path` below `root_fd`, and the last name of the path.

    Each folder is opened relative to the one above with O_NOFOLLOW, so that no symbolic link is
    followed, whoever plants one meanwhile.
    """
    *folders, name = check_entry_path(path).split("/")
    handle = os.dup(root_fd)
    try:
        for folder in folders:
            below = _enter(handle, folder, path, create)
            os.close(handle)
            handle = below
        yield handle, name
    finally:
        os.close(handle)


def _enter(handle: int, folder: str, path: str, create: bool) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    if create:
        with suppress(FileExistsError):
            os.mkdir(folder, 0o777, dir_fd=handle)
    try:
        return os.open(folder, flags, dir_fd=handle)
    except NotADirectoryError:
        raise InvalidPath(
            f'"{folder}" on the way to "{path}" is a file or a symbolic link. Remove it.'
        ) from None
    except OSError as failed:
        if os.path.islink(folder):
            raise InvalidPath(f'"{folder}" on the way to "{path}" is a symbolic link. Remove it.') from failed
        raise


def default_folder(entity: str, project: str, name: str) -> str:
    """Return a folder name for an artifact's files, of harmless characters only, whatever the server says."""
    harmless = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{entity}-{project}-{name}".replace(":", "-"))
    return harmless.lstrip(".") or "artifact"

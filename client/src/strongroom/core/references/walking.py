"""Walking a folder in path order, whatever its size: names that are too many are sorted on disk."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from strongroom.core.errors import InvalidPath, InvalidUri
from strongroom.core.text import shown

# Names of one folder that are sorted in memory; beyond, each so many become a run on disk.
IN_MEMORY = 50_000
# Where the system tells the true paths of what is open.
OPENED = "/proc/self/fd"
Judge = Callable[[str], str]
Folders = tuple[tuple[int, int], ...]


def walk(folder: str, judge: Judge, after: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, local path) of all that is no folder, in order of the paths, beginning behind `after`.

    Links are followed, to where `judge` says that they may lead; those that lead into a folder that
    they lie in are refused.
    """
    top: Folders = (_identity(folder),)
    pending = [("", folder, _names(folder, judge), top)]
    while pending:
        above, place, names, seen = pending[-1]
        name = next(names, None)
        if name is None:
            pending.pop()
            continue
        path, is_link = above + name.rstrip("\0"), name.endswith("\0")
        if path <= after and not after.startswith(path):
            continue
        local = os.path.join(place, path[len(above) :].rstrip("/"))
        if is_link:
            local = judge(local)
        if path.endswith("/"):
            pending.append((path, local, _names(local, judge), _descend(local, seen)))
        elif path > after:
            yield path, local


def _identity(folder: str) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_dev, found.st_ino


def _descend(folder: str, seen: Folders) -> Folders:
    here = _identity(folder)
    if here in seen:
        raise InvalidUri(
            f"{shown(folder)} is a link to a folder that it lies in. Remove the link, then add again.",
            uri=shown(folder),
        )
    return (*seen, here)


def _names(folder: str, judge: Judge) -> Iterator[str]:
    """Yield the names in a folder as their paths sort: folders end with a slash, links with a NUL after that."""
    runs: list[Iterator[str]] = []
    names: list[str] = []
    with _opened(folder, judge) as place, os.scandir(place) as found:
        for entry in found:
            if "\n" in entry.name:  # it would break the lines of a run, and no entry could have it
                raise InvalidPath(
                    f"{shown(os.path.join(folder, entry.name))} has a line break in its name. Rename it,"
                    " then add again.",
                    path=shown(os.path.join(folder, entry.name)),
                )
            names.append(
                entry.name + ("/" if _is_dir(entry, folder) else "") + ("\0" if entry.is_symlink() else "")
            )
            if len(names) >= IN_MEMORY:
                runs.append(_lines(_run(names)))
                names = []
    names.sort()
    return heapq.merge(*runs, names) if runs else iter(names)


def _is_dir(entry: os.DirEntry[str], folder: str) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        # It was read by the open folder: the error names no more than the name.
        error.filename = os.path.join(folder, entry.name)
        raise


@contextmanager
def _opened(folder: str, judge: Judge) -> Iterator[int | str]:
    """Open a folder and have its true path judged before a name is read: a link may have taken its place."""
    if not os.path.isdir(OPENED):
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        judge(os.readlink(f"{OPENED}/{descriptor}"))
        yield descriptor
    finally:
        os.close(descriptor)


def _run(names: list[str]) -> BinaryIO:
    names.sort()
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when its lines were read, or with the generator
    for at in range(0, len(names), 1000):
        file.write(b"".join(os.fsencode(name) + b"\n" for name in names[at : at + 1000]))
    file.seek(0)
    return file


def _lines(file: BinaryIO) -> Iterator[str]:
    with file:
        for line in file:
            yield os.fsdecode(line[:-1])

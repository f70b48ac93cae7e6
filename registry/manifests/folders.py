"""The tree of folders: what lies below each one is added up once, while the entries stream by.

The key of a folder is its parent, NUL, its name and a slash, so that the folders of one parent lie
side by side, in the order in which the tree of entries has them (`a-b/` before `a/`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from registry.manifests.framing import (
    FOLDERS,
    BrokenNode,
    Encoded,
    Frame,
    pack_numbers,
    pack_text,
    unpack_numbers,
    unpack_text,
)

PARENT_END = "\0"


class FolderRecord(NamedTuple):
    """A folder as its parent lists it.

    `gap` counts the parent's own files between the folder before it and this one. It lets a listing
    jump to the files that lie among folders with a million entries; and because it says nothing of
    other folders, a new file changes one record and not all that follow.
    """

    key: str
    files: int
    size: int
    gap: int


def folder_key(parent: str, name: str) -> str:
    return f"{parent}{PARENT_END}{name}/"


def split_key(key: str) -> tuple[str, str]:
    """Return parent and name."""
    parent, _, name = key.partition(PARENT_END)
    return parent, name[:-1]


class FolderDraft:
    """Folders of one leaf to be."""

    __slots__ = ("_records", "count", "first", "last", "total")

    def __init__(self) -> None:
        self._records: list[FolderRecord] = []
        self.count = self.total = 0
        self.first = self.last = ""

    def append(self, item: FolderRecord) -> None:
        if not self._records:
            self.first = item.key
        self._records.append(item)
        self.last = item.key
        self.count += 1
        self.total += item.gap

    def encode(self, level: int) -> Encoded:
        records = self._records
        columns = [
            pack_text([record.key for record in records]),
            pack_numbers([record.files for record in records]),
            pack_numbers([record.size for record in records]),
            pack_numbers([record.gap for record in records]),
            b"",  # nothing here that would not compress
        ]
        return Encoded(FOLDERS, level, self.count, columns)


class FolderLeaf:
    """Folders of one leaf; each column is decoded when it is first asked for."""

    def __init__(self, frame: Frame) -> None:
        if len(frame.columns) != 5 or frame.level != 0:
            raise BrokenNode("it is not a leaf of folders")
        self._frame = frame
        self.count = frame.count

    @cached_property
    def keys(self) -> list[str]:
        return unpack_text(self._frame.columns[0], self.count)

    @cached_property
    def _numbers(self) -> tuple[array[int], array[int], array[int]]:
        files, sizes, gaps = (unpack_numbers(column, self.count) for column in self._frame.columns[1:4])
        return files, sizes, gaps

    def record(self, at: int) -> FolderRecord:
        files, sizes, gaps = self._numbers
        return FolderRecord(self.keys[at], files[at], sizes[at], gaps[at])

    def since(self, key: str) -> int:
        return bisect_left(self.keys, key)


class _Open:
    """A folder whose last entry has not come yet."""

    __slots__ = ("files", "gap", "name", "path", "prefix", "since", "size")

    def __init__(self, path: str, name: str, gap: int) -> None:
        self.path, self.name, self.gap = path, name, gap
        self.prefix = f"{path}/" if path else ""
        self.files = self.size = self.since = 0


class FolderTotals:
    """Adds up files and bytes per folder and emits each when it closes: children before parents."""

    def __init__(self, emit: Callable[[FolderRecord], None]) -> None:
        self._emit = emit
        self._open = [_Open("", "", 0)]

    def add(self, path: str, size: int) -> None:
        parent = path[: path.rfind("/") + 1]
        top = self._open[-1]
        if parent != top.prefix:
            top = self._move_to(parent)
        top.files += 1
        top.size += size
        top.since += 1

    def finish(self) -> None:
        while len(self._open) > 1:
            self._close()

    def _move_to(self, parent: str) -> _Open:
        while not parent.startswith(self._open[-1].prefix):
            self._close()
        top = self._open[-1]
        for name in parent[len(top.prefix) :].split("/")[:-1]:
            below = _Open(top.prefix + name, name, top.since)
            top.since = 0
            self._open.append(below)
            top = below
        return top

    def _close(self) -> None:
        done = self._open.pop()
        parent = self._open[-1]
        parent.files += done.files
        parent.size += done.size
        self._emit(FolderRecord(folder_key(parent.path, done.name), done.files, done.size, done.gap))

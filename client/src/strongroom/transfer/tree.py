"""A folder that is written to without ever leaving it: every step is taken from an open handle, following no link."""

from __future__ import annotations

import os
import secrets
import stat
from collections import OrderedDict
from pathlib import Path

from strongroom._files import BINARY, NO_FOLLOW, NO_WAIT
from strongroom.core.paths import check_entry_path, open_beneath, safe_join
from strongroom.errors import PathCollision

MOST_HANDLES = 64
HAS_HANDLES = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")
Where = tuple[str, int | None]


class Tree:
    """Places files below one root; for one thread at a time, so each of them makes its own."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        # The root itself may be a link: it is what the user named.
        self.root = Path(root).resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY) if HAS_HANDLES else None
        self._folders: OrderedDict[str, int] = OrderedDict()
        self._mark, self._made = secrets.token_hex(8), 0

    def close(self) -> None:
        """Close the handles of all folders."""
        while self._folders:
            os.close(self._folders.popitem()[1])
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def where(self, path: str, *, create: bool = True) -> Where:
        """Return the name of a file and the handle that it is relative to; without handles, its whole path."""
        if self._handle is None:
            place = safe_join(self.root, path)
            if create:
                place.parent.mkdir(parents=True, exist_ok=True)
            return str(place), None
        folder, _, name = check_entry_path(path).rpartition("/")
        if not folder:
            return name, self._handle
        handle = self._folders.get(folder)
        if handle is None:
            handle = self._open_folder(folder, path, create=create)
        else:
            self._folders.move_to_end(folder)
        return name, handle

    def _open_folder(self, folder: str, path: str, *, create: bool) -> int:
        assert self._handle is not None
        with open_beneath(self._handle, path, create=create) as (handle, _):
            kept = os.dup(handle)
        self._folders[folder] = kept
        if len(self._folders) > MOST_HANDLES:
            os.close(self._folders.popitem(last=False)[1])
        return kept

    def look(self, path: str) -> os.stat_result | None:
        """Return what lies at a path, a link as itself; None when nothing does."""
        try:
            name, handle = self.where(path, create=False)
            return os.stat(name, dir_fd=handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open_existing(self, path: str) -> int:
        """Open a file for reading."""
        name, handle = self.where(path, create=False)
        return os.open(name, os.O_RDONLY | NO_FOLLOW | BINARY | NO_WAIT, dir_fd=handle)

    def write(self, path: str, data: bytes | memoryview) -> None:
        """Write verified bytes under a temporary name, then give them their own."""
        name, handle = self.where(path)
        fresh = self._temporary(name)
        descriptor = os.open(
            fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | BINARY, 0o644, dir_fd=handle
        )
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        except BaseException:
            os.unlink(fresh, dir_fd=handle)
            raise
        finally:
            os.close(descriptor)
        self.rename((fresh, handle), path)

    def open_temporary(self, path: str, suffix: str | None = None) -> tuple[int, Where]:
        """Open a temporary file beside a path; a suffix makes its name one that a later process finds again."""
        name, handle = self.where(path)
        fresh = self._temporary(name, suffix)
        flags = os.O_RDWR | os.O_CREAT | NO_FOLLOW | BINARY | (0 if suffix else os.O_EXCL)
        return os.open(fresh, flags, 0o644, dir_fd=handle), (fresh, handle)

    def rename(self, fresh: Where, path: str) -> None:
        """Give a temporary file its final name, in place of what has it."""
        name, handle = self.where(path)
        try:
            os.replace(fresh[0], name, src_dir_fd=fresh[1], dst_dir_fd=handle)
        except (IsADirectoryError, PermissionError) as error:
            os.unlink(fresh[0], dir_fd=fresh[1])
            found = self.look(path)
            if found is None or not stat.S_ISDIR(found.st_mode):
                raise
            raise PathCollision(
                f"{self.root / path} is a folder, where the artifact has a file; remove it, then download again."
            ) from error

    def ignores_case(self) -> bool:
        """Tell whether the file system takes `A` and `a` for one name."""
        name = f".strongroom-{secrets.token_hex(4)}-A"
        self.write(name, b"")
        try:
            return self.look(name.lower()) is not None
        finally:
            place, handle = self.where(name)
            os.unlink(place, dir_fd=handle)

    def _temporary(self, name: str, suffix: str | None = None) -> str:
        # Not the name itself, which may already be as long as a file system allows.
        self._made += 1
        fresh = f".strongroom-{suffix or f'{self._mark}-{self._made}'}.part"
        return fresh if self._handle is not None else os.path.join(os.path.dirname(name), fresh)

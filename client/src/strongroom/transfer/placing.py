"""Putting verified bytes in place, from what is on this machine already."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from strongroom._files import share_blocks
from strongroom.cache import Cache
from strongroom.staging import SMALL
from strongroom.store import Item
from strongroom.transfer.checks import BLOCK, digest_descriptor
from strongroom.transfer.tree import Tree


@dataclass(slots=True)
class Group:
    """Files of one digest: the same bytes, at one path or several."""

    item: Item
    paths: list[str]

    @property
    def size(self) -> int:
        """The bytes of one of them."""
        return self.item.size or 0

    @property
    def sha256(self) -> bytes:
        """The digest of all of them."""
        return self.item.sha256 or b""


class Placer:
    """Writes below one root, from several threads, each with a tree of its own."""

    def __init__(self, tree: Callable[[], Tree], cache: Cache | None) -> None:
        self.tree, self.cache = tree, cache

    def settle(self, group: Group) -> bool:
        """Leave what is there already, and bring the rest from the cache; return whether all is done."""
        tree = self.tree()
        group.paths = [path for path in group.paths if not _is_there(tree, path, group)]
        if not group.paths:
            return True
        if self.cache is None:
            return False
        descriptor = self.cache.open(group.sha256, group.size)
        if descriptor is None:
            return False
        try:
            if all(self.copy(descriptor, path, group) for path in group.paths):
                return True
        finally:
            os.close(descriptor)
        self.cache.drop(group.sha256)
        return False

    def write(self, group: Group, data: memoryview) -> None:
        """Write bytes that were verified at all paths of a group."""
        tree = self.tree()
        for path in group.paths:
            tree.write(path, data)
        self.keep(group)

    def keep(self, group: Group) -> None:
        """Let the cache have what was placed."""
        if self.cache is not None:
            self.cache.keep(group.sha256, *self.tree().where(group.paths[0]))

    def copy(self, source: int, path: str, group: Group) -> bool:
        """Copy an open file to a path, hashing what is written; False, and nothing there, when it is another file."""
        tree = self.tree()
        os.lseek(source, 0, os.SEEK_SET)
        if group.size <= SMALL:
            data = os.read(source, group.size + 1)
            if hashlib.sha256(data).digest() != group.sha256:
                return False
            tree.write(path, data)
            return True
        target, fresh = tree.open_temporary(path)
        try:
            matches = _copy_hashing(source, target) == group.sha256
        except BaseException:
            os.unlink(fresh[0], dir_fd=fresh[1])
            raise
        finally:
            os.close(target)
        if matches:
            tree.rename(fresh, path)
        else:
            os.unlink(fresh[0], dir_fd=fresh[1])
        return matches


def _copy_hashing(source: int, target: int) -> bytes:
    if share_blocks(source, target):
        return digest_descriptor(os.dup(target))
    computed, buffer = hashlib.sha256(), memoryview(bytearray(BLOCK))
    with (
        open(source, "rb", buffering=0, closefd=False) as read,
        open(target, "wb", buffering=0, closefd=False) as write,
    ):
        while count := read.readinto(buffer):
            computed.update(buffer[:count])
            piece = buffer[:count]
            while piece:
                piece = piece[write.write(piece) :]
    return computed.digest()


def _is_there(tree: Tree, path: str, group: Group) -> bool:
    """Tell whether the very file is in place already."""
    found = tree.look(path)
    if found is None or not stat.S_ISREG(found.st_mode) or found.st_size != group.size:
        return False
    return digest_descriptor(tree.open_existing(path)) == group.sha256

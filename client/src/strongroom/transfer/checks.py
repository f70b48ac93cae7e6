"""Comparing a folder with an artifact: what differs, and what does not belong."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from strongroom._files import BINARY, NO_FOLLOW, NO_WAIT, reason
from strongroom.core.text import is_storable
from strongroom.errors import DigestMismatch, LocalFileError, PathCollision, SizeMismatch
from strongroom.store import EntryStore, Item

BLOCK = 1 << 20


def digest_descriptor(descriptor: int, kind: str = "sha256") -> bytes:
    """Return the digest of an open file, from where it stands; the file is closed."""
    computed = hashlib.new(kind, usedforsecurity=False)
    try:
        # A buffer no larger than the file: for a tiny one, making it would cost more than hashing.
        wanted = min(BLOCK, os.fstat(descriptor).st_size + 1)
        while data := os.read(descriptor, wanted):
            computed.update(data)
    finally:
        os.close(descriptor)
    return computed.digest()


def verify(root: Path, store: EntryStore, name: str) -> None:
    """Raise an error that names the first file that is not as the artifact has it."""
    if not root.is_dir():
        raise DigestMismatch(f"There is no folder {root}; download {name} to it first.")
    with _errors(root, "read"):
        for path, local in _files(root):
            if not _has(store, path):
                raise DigestMismatch(f"{local} is not part of {name}; remove it, or use checkout().")
    for item in store.items():
        if item.ref is None:
            _verify_one(os.path.join(root, *item.path.split("/")), item)


def _verify_one(local: str, item: Item) -> None:
    try:
        descriptor = os.open(local, os.O_RDONLY | NO_FOLLOW | BINARY | NO_WAIT)
    except OSError as error:
        raise DigestMismatch(
            f"{local} is missing or cannot be read ({error.strerror}); download it again."
        ) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_size != item.size:
        os.close(descriptor)
        raise SizeMismatch(f"{local} has {found.st_size} bytes instead of {item.size}; download it again.")
    kind, expected = ("sha256", item.sha256) if item.sha256 else ("md5", item.md5)
    if digest_descriptor(descriptor, kind) != expected:
        raise DigestMismatch(f"{local} has other contents than the artifact; download it again.")


def remove_others(root: Path, store: EntryStore) -> None:
    """Delete every file below a folder that the artifact does not have, and the folders that are empty then."""
    _remove(root, lambda path: not _has(store, path))


def make_way(root: Path, store: EntryStore) -> None:
    """Delete what could not lie beside the artifact: files where it has folders, and what lies in its files' places."""
    _remove(root, lambda path: _is_in_the_way(store, path))


def _remove(root: Path, unwanted: Callable[[str], bool]) -> None:
    if not root.is_dir():
        return
    with _errors(root, "cleared"):
        for path, local in _files(root):
            if unwanted(path):
                os.unlink(local)
        for folder, _, _ in os.walk(root, topdown=False):
            if folder != str(root) and not os.listdir(folder):
                os.rmdir(folder)


def _has(store: EntryStore, path: str) -> bool:
    # Names that are no text cannot be an artifact's, and no database can be asked for them.
    return is_storable(path) and store.get(path) is not None


def _is_in_the_way(store: EntryStore, path: str) -> bool:
    if not is_storable(path):
        return False
    try:
        store.check_collisions([path])
    except PathCollision:
        return True
    return False


@contextmanager
def _errors(root: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalFileError(f"The folder {root} cannot be {done}: {reason(error)}.") from error


def _files(root: Path) -> Iterator[tuple[str, str]]:
    """Iterate over everything below a folder that is not a folder itself; links count as themselves."""
    pending = [(os.fspath(root), "")]
    while pending:
        folder, above = pending.pop()
        with os.scandir(folder) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, f"{above}{entry.name}/"))
                else:
                    yield f"{above}{entry.name}", entry.path

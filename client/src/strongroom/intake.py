"""Taking local files into a draft: walking folders, reading and hashing in parallel, protecting by a copy."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Literal

from strongroom._files import BINARY, NO_WAIT
from strongroom.core.paths import check_entry_path
from strongroom.errors import InvalidInput, LocalFileError, PathCollision
from strongroom.staging import SMALL, Staging
from strongroom.store import EntryStore, Item

Policy = Literal["mutable", "immutable"]
WORKERS = min(4, os.cpu_count() or 1)
BATCH = 1000
TINY = 64 << 10
_READ = os.O_RDONLY | BINARY | NO_WAIT
DigestOf = Callable[[Item], bytes]
Folders = tuple[tuple[int, int], ...]


def check_policy(policy: str | None) -> Policy:
    """Return the policy, `mutable` when none is given."""
    if policy is None or policy == "mutable":
        return "mutable"
    if policy == "immutable":
        return "immutable"
    raise InvalidInput(f"Policy {policy!r} is neither 'mutable' nor 'immutable'; give one of the two.")


def logical_path(name: str | os.PathLike[str]) -> str:
    """Return the entry path that a user means by a name, which may begin with `./` and end with `/`."""
    text = os.fspath(name)
    if os.sep == "\\":
        text = text.replace("\\", "/")
    # PurePosixPath drops `./` and double slashes, and leaves `..` and a leading `/` to be refused.
    return check_entry_path(str(PurePosixPath(text)) if text else text)


def walk(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Iterate over the (entry path, local path) of every file below a folder; links are followed, loops refused."""
    top = os.stat(folder)
    pending: list[tuple[str, str, Folders]] = [(folder, prefix, ((top.st_dev, top.st_ino),))]
    while pending:
        place, logical, above = pending.pop()
        with os.scandir(place) as found:
            for entry in found:
                path = f"{logical}/{entry.name}" if logical else entry.name
                if entry.is_dir():
                    pending.append((entry.path, path, _descend(entry, above)))
                else:
                    yield path, entry.path


def _descend(entry: os.DirEntry[str], above: Folders) -> Folders:
    found = entry.stat()
    here = (found.st_dev, found.st_ino)
    if here in above:
        raise LocalFileError(
            f"{entry.path} is a link to a folder that it lies in; remove the link, then add again."
        )
    return (*above, here)


class Intake:
    """Reads files for a draft, under one policy."""

    def __init__(self, staging: Staging | None, *, skip_cache: bool) -> None:
        self._staging = staging
        self._skip_cache = skip_cache

    def take(self, path: str, local: str) -> Item:
        """Return the item of one file; what is small is read and hashed at once, what is large when it is logged."""
        try:
            descriptor = os.open(local, _READ)
            try:
                data = _read_small(descriptor, local)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise LocalFileError(f"{local} cannot be read: {error.strerror or error}.") from error
        if data is None:
            return self._take_large(path, local)
        return Item(
            path, len(data), sha256=hashlib.sha256(data).digest(), source=os.fsencode(local),
            place=self._staging.keep(data) if self._staging else None, skip_cache=self._skip_cache,
        )  # fmt: skip

    def _take_large(self, path: str, local: str) -> Item:
        source = self._staging.copy(local) if self._staging else local
        return Item(path, _size(source), source=os.fsencode(source), skip_cache=self._skip_cache)

    def take_all(self, files: Iterable[tuple[str, str]]) -> Iterator[list[Item]]:
        """Take many files, a batch at a time: the smallest here, for handing them over costs more than hashing them."""
        taken: list[Item] = []
        pending: deque[Future[Item]] = deque()
        with ThreadPoolExecutor(WORKERS) as pool:
            try:
                for path, local in files:
                    check_entry_path(path)
                    if _size(local) <= TINY:
                        taken.append(self.take(path, local))
                    else:
                        pending.append(pool.submit(self.take, path, local))
                        if len(pending) > 8 * WORKERS:
                            taken.append(pending.popleft().result())
                    if len(taken) >= BATCH:
                        yield taken
                        taken = []
                yield [*taken, *(future.result() for future in pending)]
            finally:
                for future in pending:
                    future.cancel()


def _size(local: str) -> int:
    try:
        return os.stat(local).st_size
    except OSError as error:
        raise LocalFileError(f"{local} cannot be read: {error.strerror or error}.") from error


def _read_small(descriptor: int, local: str) -> bytes | None:
    """Return the bytes of an open file, or None when they are more than a few."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise LocalFileError(f"{local} is not a regular file; add files and folders only.")
    if found.st_size > SMALL:
        return None
    # Asked for one more than there are: a file that grows meanwhile shows, and no large buffer is made for a tiny file.
    data = os.read(descriptor, found.st_size + 1)
    while len(data) > found.st_size and len(data) <= SMALL and (more := os.read(descriptor, SMALL)):
        data += more
    return data if len(data) <= SMALL else None


def merge(store: EntryStore, items: list[Item], *, overwrite: bool, digest_of: DigestOf) -> None:
    """Put items into a draft that may have some of the paths already: other bytes only when they may overwrite."""
    for item in items:
        known = None if overwrite else store.get(item.path)
        if known is not None and (known.ref is not None or digest_of(known) != digest_of(item)):
            raise PathCollision(
                f"The artifact has other contents at {item.path!r} already; pass overwrite=True (add_dir: merge=True)"
                " to replace them, or remove() the entry first."
            )
    store.put(items)
    store.check_collisions(item.path for item in items)


def meet(store: EntryStore, added: EntryStore) -> None:
    """Refuse references that have no place beside what a draft has; the fewer are looked up in the many."""
    few, many = (store, added) if store.count() < added.count() else (added, store)
    for item in few.items():
        other = many.get(item.path)
        if other is not None and (item.ref is None or (item.ref, item.digest) != (other.ref, other.digest)):
            raise PathCollision(
                f"The artifact has other contents at {item.path!r} already; give the reference another name, or"
                " remove() the entry first."
            )
        many.check_collisions([item.path])

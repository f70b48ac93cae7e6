"""`file`: MD5 and size of a local file; a folder is walked in path order."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from errno import ELOOP
from pathlib import Path
from urllib.parse import unquote, urlsplit

from strongroom.core.digests import b64_to_hex, is_md5_b64, md5_b64
from strongroom.core.entries import Entry
from strongroom.core.errors import (
    InvalidUri,
    ReferenceChanged,
    ReferenceMissing,
    ReferenceUnreachable,
    StrongroomError,
)
from strongroom.core.references.base import Checked, Found, Reach, State, Stream
from strongroom.core.references.looking import (
    OK,
    address,
    as_state,
    bounded,
    compared,
    difference,
    is_checked,
    refuse_change,
)
from strongroom.core.references.uris import escaped, last_part, refuse
from strongroom.core.references.walking import OPENED, walk
from strongroom.core.text import shown

BLOCK = 1 << 20
# Below, handing a file to another thread costs more than hashing it.
ALONE = 256 << 10
WORKERS = min(4, os.cpu_count() or 1)
# To open a pipe would otherwise wait for somebody to write to it.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
# Where the system tells what was truly opened.
_TELLS = os.path.isdir(OPENED)


class Local:
    """A file, or all below a folder."""

    def parse(self, uri: str) -> str:
        """Return the path that a URI names."""
        parts = urlsplit(uri)
        if parts.netloc not in ("", "localhost"):
            refuse(uri, f"names the machine {shown(parts.netloc)}. Write three slashes: file:///path")
        if parts.query or parts.fragment:
            refuse(uri, "has a query. Write ? as %3F and # as %23 where a file is named so")
        path = unquote(parts.path, errors="surrogateescape")
        if not path.startswith("/") or "\0" in path:
            refuse(uri, "names no path from the root. Write it like file:///path")
        return path.lstrip("/") if os.name == "nt" else path

    def plain(self, uri: str) -> Found:
        """Return the address as its own digest."""
        return Found(uri, self.name(uri), uri)

    def name(self, uri: str) -> str:
        """Return the last part of the path."""
        return last_part(self.parse(uri))

    def look(self, uri: str, reach: Reach, *, max_objects: int, after: str = "") -> Iterator[Found]:
        """Yield the file, or what lies in the folder."""
        path = reach.local(self.parse(uri))
        with _told(uri):
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        if is_folder:
            yield from bounded(_hashed(uri, path, reach, after), uri, max_objects, after)
        elif not after:
            yield _found(uri, "", path, reach)

    def check(self, entry: Entry, reach: Reach) -> Checked:
        """Compare the size, and where that is equal the MD5."""
        return as_state(lambda: self._check(entry, reach))

    def _check(self, entry: Entry, reach: Reach) -> Checked:
        uri = entry.ref or ""
        path = reach.local(self.parse(uri))
        with _told(uri):
            there = os.stat(path)
        if not is_hashed(entry):
            return OK
        if stat.S_ISREG(there.st_mode) and entry.size not in (None, there.st_size):
            why = difference(entry, entry.digest, there.st_size)
            return Checked(State.CHANGED, f"{address(entry)} {why}.")
        return compared(entry, _found(uri, "", path, reach))

    @contextmanager
    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> Iterator[Stream]:
        """Open the file; that its bytes are the recorded ones shows once they are all read."""
        uri = entry.ref or ""
        with _told(uri):
            descriptor = os.open(reach.local(self.parse(uri)), _FLAGS)
        try:
            with _told(uri):
                there = _regular(descriptor, uri, reach)
            hashed = is_hashed(entry)
            if hashed:
                refuse_change(entry, entry.digest, there.st_size)
            os.lseek(descriptor, offset, os.SEEK_SET)
            yield _File(descriptor, uri, there.st_size, b64_to_hex(entry.digest or "") if hashed else None)
        finally:
            os.close(descriptor)


class _File:
    """A stream over an open file."""

    def __init__(self, descriptor: int, uri: str, size: int, md5: str | None) -> None:
        self._descriptor, self._uri = descriptor, uri
        self.size: int | None = size
        self.md5 = md5

    def read(self, amount: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        with _told(self._uri):
            return os.read(self._descriptor, amount)


def is_hashed(entry: Entry) -> bool:
    """Tell whether the MD5 of the bytes was recorded; the `wandb` client can record one of the address instead."""
    if not is_checked(entry) or not is_md5_b64(entry.digest):
        return False
    path = unquote(urlsplit(entry.ref or "").path, errors="surrogateescape")
    addresses = {entry.ref or "", Path(path).as_uri() if os.path.isabs(path) else ""}
    return entry.digest not in {
        md5_b64(hashlib.md5(os.fsencode(one), usedforsecurity=False).digest()) for one in addresses
    }


def _hashed(uri: str, folder: str, reach: Reach, after: str) -> Iterator[Found]:
    """Walk a folder and hash its files, a few large ones at a time, in path order all the same."""
    waiting: deque[Future[Found]] = deque()
    top = uri.rstrip("/")
    files = walk(folder, reach.local, after)
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            while True:
                with _told(uri):
                    path, local = next(files, ("", ""))
                if not path:
                    break
                address = f"{top}/{escaped(path)}"
                if not waiting and _size(local, address) <= ALONE:
                    yield _found(address, path, local, reach)
                    continue
                waiting.append(pool.submit(_found, address, path, local, reach))
                while len(waiting) > 4 * WORKERS or (waiting and waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _size(local: str, uri: str) -> int:
    with _told(uri):
        return os.stat(local).st_size


def _found(uri: str, path: str, local: str, reach: Reach) -> Found:
    """Hash one file, which must not change meanwhile."""
    with _told(uri):
        descriptor = os.open(local, _FLAGS)
        try:
            before = _regular(descriptor, uri, reach)
            digest, count = _md5(descriptor, before.st_size, getattr(reach, "go_on", None))
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    if count != before.st_size or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise ReferenceChanged(
            f"{shown(uri)} changed while it was being read. Add it again when nothing writes to it.",
            uri=shown(uri),
        )
    return Found(uri, path, digest, count)


def _regular(descriptor: int, uri: str, reach: Reach) -> os.stat_result:
    """Return what is known of an open file, which must be one, and lie where it may be read."""
    found = os.fstat(descriptor)
    if stat.S_ISDIR(found.st_mode):
        refuse(uri, "is a folder, and was recorded without its files. Add it again with checksum=True")
    if not stat.S_ISREG(found.st_mode):
        refuse(uri, "is neither a file nor a folder. Name one of the two")
    if _TELLS:
        # Judged again by its true path: a link may have taken its place since it was judged by name.
        reach.local(os.readlink(f"{OPENED}/{descriptor}"))
    return found


def _md5(descriptor: int, size: int, go_on: Callable[[], None] | None) -> tuple[str, int]:
    computed, count = hashlib.md5(usedforsecurity=False), 0
    # No larger than the file: for a tiny one, making a buffer would cost more than hashing.
    wanted = min(BLOCK, size + 1)
    # One that grows faster than it is read would never end; that it is longer than it was says enough.
    while count <= size and (data := os.read(descriptor, wanted)):
        computed.update(data)
        count += len(data)
        if go_on is not None:
            go_on()
    return md5_b64(computed.digest()), count


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Turn errors of the system inside into ours."""
    try:
        yield
    except StrongroomError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ReferenceMissing(
            f"{_place(error, uri)} is not there, or is a link to nothing. Check the path.", uri=shown(uri)
        ) from error
    except OSError as error:
        if error.errno == ELOOP:
            raise InvalidUri(
                f"{_place(error, uri)} is a link that leads back to itself. Remove it, then add again.",
                uri=shown(uri),
            ) from error
        raise ReferenceUnreachable(
            f"{_place(error, uri)} cannot be read: {error.strerror or error}.", uri=shown(uri)
        ) from error


def _place(error: OSError, uri: str) -> str:
    return shown(os.fsdecode(error.filename)) if error.filename else shown(uri)

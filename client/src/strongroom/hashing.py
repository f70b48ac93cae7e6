"""Digests of the bytes of items, in parallel: SHA-256 when an artifact is logged, MD5 only when somebody asks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

from strongroom.errors import LocalFileError
from strongroom.staging import Staging
from strongroom.store import Item

WORKERS = min(8, os.cpu_count() or 1)
BLOCK = 1 << 20


@contextmanager
def open_item(item: Item, staging: Staging | None) -> Iterator[BinaryIO]:
    """Open the bytes of an item for reading."""
    if item.place is not None and staging is not None and item.size is not None:
        yield BytesIO(staging.read(item.place, item.size))
        return
    local = item.local_path
    if local is None:
        raise LocalFileError(
            f"The bytes of {item.path!r} are not on this machine; download the artifact first."
        )
    try:
        with open(local, "rb", buffering=0) as file:
            yield file
    except OSError as error:
        raise LocalFileError(f"{local} cannot be read: {error.strerror or error}.") from error


def read_small(item: Item, staging: Staging | None) -> bytes:
    """Return the bytes of a small item, which must still be as many as when it was added."""
    if item.place is not None and staging is not None:
        return staging.read(item.place, item.size or 0)
    with open_item(item, staging) as file:
        data = file.read((item.size or 0) + 1)
    if len(data) != item.size:
        raise changed(item)
    return data


def digest(
    item: Item, staging: Staging | None, kind: str, watch: Callable[[int], None] | None = None
) -> bytes:
    """Return a digest of the bytes of an item, which must still be as many as when it was added."""
    # MD5 names files in the wandb format; nothing here trusts it.
    computed = hashlib.new(kind, usedforsecurity=False)
    buffer, seen = memoryview(bytearray(BLOCK)), 0
    with open_item(item, staging) as file:
        while count := file.readinto(buffer):  # type: ignore[attr-defined]  # raw files and BytesIO both have it
            computed.update(buffer[:count])
            seen += count
            if watch:
                watch(count)
    if seen != item.size:
        raise changed(item)
    return computed.digest()


def changed(item: Item) -> LocalFileError:
    """Return the error for a file that is not what it was when it was added."""
    return LocalFileError(
        f"{item.local_path or item.path} changed while it was being logged; add it again, with policy='mutable'"
        " if it is being written to.", path=item.path,
    )  # fmt: skip


def digest_all(
    items: Iterable[Item], staging: Staging | None, kind: str, watch: Callable[[int], None] | None = None
) -> Iterator[tuple[Item, bytes]]:
    """Iterate over items with their digests, hashing a few at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting = []
        try:
            for item in items:
                waiting.append((item, pool.submit(digest, item, staging, kind, watch)))
                if len(waiting) > 4 * WORKERS:
                    first, future = waiting.pop(0)
                    yield first, future.result()
            for item, future in waiting:
                yield item, future.result()
        finally:
            for _, future in waiting:
                future.cancel()

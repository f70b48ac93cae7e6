"""Bundles: many small blobs in one body, as frames of digest, size and bytes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from strongroom import hashing
from strongroom._http import Session, route
from strongroom.errors import BadAnswer, DigestMismatch
from strongroom.staging import Staging
from strongroom.store import Item

TARGET = 8 << 20
MOST_FRAMES = 4000
SENDERS = 2
HEAD = struct.Struct(">32sQ")
Watch = Callable[[int], None]


class Sized(Protocol):
    """Something that has bytes."""

    @property
    def size(self) -> int | None:
        """How many."""


Some = TypeVar("Some", bound=Sized)


def group(items: Iterable[Some], most_bytes: int = TARGET, most: int = MOST_FRAMES) -> Iterator[list[Some]]:
    """Cut a stream of things into groups of bounded size."""
    found: list[Some] = []
    size = 0
    for item in items:
        if found and (len(found) >= most or size + (item.size or 0) > most_bytes):
            yield found
            found, size = [], 0
        found.append(item)
        size += item.size or 0
    if found:
        yield found


def send(session: Session, draft_id: str, items: list[Item], staging: Staging | None, watch: Watch) -> None:
    """Send one bundle; it can be sent again, because blobs that arrived are known by their digests."""
    headers = {"Content-Type": "application/vnd.strongroom.bundle"}
    with naming_changed(items, staging):
        session.send("POST", route("drafts", draft_id, "bundles"), frames(items, staging), headers)
    watch(sum(item.size or 0 for item in items))


def frames(items: list[Item], staging: Staging | None) -> bytes:
    """Return a bundle of the bytes of small items."""
    found: list[bytes] = []
    for item in items:
        data = hashing.read_small(item, staging)
        found += (HEAD.pack(item.sha256, len(data)), data)
    return b"".join(found)


@contextmanager
def naming_changed(items: list[Item], staging: Staging | None) -> Iterator[None]:
    """When the server finds bytes that are not those of a digest, name the file that has changed."""
    try:
        yield
    except DigestMismatch:
        for item in items:
            if hashing.digest(item, staging, "sha256") != item.sha256:
                raise hashing.changed(item) from None
        raise


def parse(data: bytes, wanted: dict[bytes, int]) -> Iterator[tuple[bytes, memoryview]]:
    """Iterate over the blobs of a bundle; each is checked to be one that was asked for, and to be what it says."""
    view, at = memoryview(data), 0
    while at < len(view):
        if len(view) - at < HEAD.size:
            raise BadAnswer("The server sent a bundle that ends in the middle of a frame.")
        digest, size = HEAD.unpack_from(view, at)
        at += HEAD.size
        if wanted.pop(digest, None) != size:
            raise BadAnswer("The server sent a blob that was not asked for, or one of another size.")
        body = view[at : at + size]
        if hashlib.sha256(body).digest() != digest:
            raise DigestMismatch(
                f"The server sent bytes that are not those of {digest.hex()}; nothing was written."
                " Ask an operator of the server to restore it from a backup."
            )
        at += size
        yield digest, body
    if wanted:
        raise BadAnswer(f"The server left out {len(wanted)} of the files that were asked for; try again.")

"""Frames: many small blobs in one body, each with its SHA-256 and size before its bytes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

from registry.errors import DigestMismatch, IncompleteBody, TooLarge
from registry.storage.backends.base import Readable
from registry.storage.limits import PIECE, frame_limit

HEAD = struct.Struct(">32sQ")


class Frame(NamedTuple):
    """A verified blob inside a batch: `data[start:start + HEAD.size + size]` with its head."""

    sha256: bytes
    md5: bytes
    size: int
    start: int


class Batch(NamedTuple):
    """Whole frames that arrived together, one behind the other."""

    data: memoryview
    frames: list[Frame]


def head(sha256: bytes, size: int) -> bytes:
    """Return what stands before a blob's bytes."""
    return HEAD.pack(sha256, size)


def read_batches(stream: Readable, length: int | None, limit: int) -> Iterator[Batch]:
    """Read frames with a bounded memory, verifying each; the body must end where a frame ends.

    `length` is what the sender promised; None when it sends chunks until it ends.
    """
    held = b""
    for piece in read_pieces(stream, length, limit):
        held = held + piece if held else piece
        frames, used = _parse(held)
        if frames:
            yield Batch(memoryview(held)[:used], frames)
            held = held[used:]
    if held:
        raise IncompleteBody("The body ends in the middle of a frame. Send the whole bundle again.")


def _parse(held: bytes) -> tuple[list[Frame], int]:
    view = memoryview(held)
    end = len(held)
    frames: list[Frame] = []
    limit = frame_limit()
    start = 0
    while end - start >= HEAD.size:
        sha256, size = HEAD.unpack_from(held, start)
        if size > limit:
            raise TooLarge(
                f"The frame of {sha256.hex()} holds {size} bytes, more than {limit}. Upload it in parts.",
                sha256=sha256.hex(),
                limit=limit,
            )
        first = start + HEAD.size
        if first + size > end:
            break
        data = view[first : first + size]
        if hashlib.sha256(data).digest() != sha256:
            raise DigestMismatch(
                f"The bytes sent as {sha256.hex()} have another SHA-256. Read and send the file again.",
                sha256=sha256.hex(),
            )
        frames.append(Frame(sha256, hashlib.md5(data, usedforsecurity=False).digest(), size, start))
        start = first + size
    return frames, start


def read_pieces(stream: Readable, length: int | None, limit: int) -> Iterator[bytes]:
    """Read a body in pieces of one size, and insist on the length that was promised."""
    if length is not None and length > limit:
        raise _too_large(limit)
    received = 0
    while length is None or received < length:
        piece = fill(stream, PIECE if length is None else min(PIECE, length - received))
        received += len(piece)
        if received > limit:
            raise _too_large(limit)
        if not piece:
            break
        yield piece
    if length is not None and received < length:
        raise IncompleteBody(
            f"The body ended after {received} of {length} bytes. Nothing was kept; send it again.",
            received=received,
            expected=length,
        )


def read_some(stream: Readable, size: int) -> bytes:
    """Read from a sender who may vanish at any moment; that is the end of the body, not an error of ours."""
    try:
        return stream.read(size)
    except OSError:
        # The connection is gone. Whoever counts the bytes finds that some are missing.
        return b""


def fill(stream: Readable, size: int) -> bytes:
    """Read `size` bytes, fewer only at the end; many streams give less at a time than they are asked for."""
    piece = read_some(stream, size)
    if not piece or len(piece) == size:
        return piece
    scraps = [piece]
    left = size - len(piece)
    while left and (piece := read_some(stream, left)):
        scraps.append(piece)
        left -= len(piece)
    return b"".join(scraps)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is longer than {limit} bytes. Send smaller bundles.", limit=limit)

"""Streams that one algorithm compressed: gzip, bzip2, xz, zlib. Others have no place in Python's library."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

_MOST = 256 * 1024


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


class Damaged(Exception):
    """What was compressed can't be read on."""


def kind_of(head: bytes) -> str:
    """Return how a stream that begins so is compressed; nothing, when it isn't."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    if head.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
        return "xz"
    is_zlib = len(head) > 1 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7
    return "zlib" if is_zlib and (head[0] << 8 | head[1]) % 31 == 0 and not head[1] & 0x20 else ""


def unpacked(kind: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress, a bounded piece at a time; several streams behind each other are one."""
    makers: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
        "gzip": lambda rest: _inflated(rest, 31),
        "zlib": lambda rest: _inflated(rest, 15),
        "raw": lambda rest: _inflated(rest, -15),
        "bzip2": lambda rest: _by(lambda: bz2.BZ2Decompressor(), rest),
        "xz": lambda rest: _by(lambda: lzma.LZMADecompressor(memlimit=256 * 1024**2), rest),
    }
    try:
        yield from makers[kind](pieces)
    except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
        raise Damaged(str(error)) from error


def _inflated(pieces: Iterator[bytes], window: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(window)
    for piece in pieces:
        rest = piece
        while rest:
            yield inflater.decompress(rest, _MOST)
            rest = inflater.unconsumed_tail
            if inflater.eof:
                rest = inflater.unused_data
                # Readers of gzip take members behind each other for one.
                if window != 31 or not rest.strip(b"\0"):
                    return
                inflater = zlib.decompressobj(window)
    raise Damaged("it breaks off")


def _by(
    make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], pieces: Iterator[bytes]
) -> Iterator[bytes]:
    worker = make()
    for piece in pieces:
        rest = piece
        while rest or not (worker.eof or worker.needs_input):
            yield worker.decompress(rest, _MOST)
            rest = b""
            if worker.eof:
                rest = worker.unused_data
                if not rest.strip(b"\0"):
                    return
                worker = make()
    raise Damaged("it breaks off")

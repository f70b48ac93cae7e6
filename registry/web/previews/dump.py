"""Bytes as they are: sixteen a line, in hexadecimal and as the characters that they may be."""

from __future__ import annotations

from dataclasses import dataclass

from registry.models import Blob
from registry.web.previews.reading import read

PAGE, LINE = 1024, 16


@dataclass(frozen=True, slots=True)
class Line:
    """Where it begins, its bytes in two halves, and what of them can be printed."""

    offset: str
    hex: str
    text: str


@dataclass(frozen=True, slots=True)
class Dump:
    """A page of a file, with the offsets of its neighbours; None where there is none."""

    lines: list[Line]
    start: int
    end: int
    before: int | None
    after: int | None


def dump(blob: Blob, start: int) -> Dump:
    """Return the page of bytes from an offset on."""
    start = max(0, min(start, max(0, blob.size - 1))) // LINE * LINE
    data = read(blob, start, PAGE)
    end = start + len(data)
    lines = [_line(start + at, data[at : at + LINE]) for at in range(0, len(data), LINE)]
    return Dump(lines, start, end, max(0, start - PAGE) if start else None, end if end < blob.size else None)


def _line(offset: int, data: bytes) -> Line:
    halves = (data[: LINE // 2].hex(" "), data[LINE // 2 :].hex(" "))
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
    return Line(f"{offset:08x}", "  ".join(halves), text)

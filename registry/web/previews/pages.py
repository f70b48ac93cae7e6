"""A long text in pages: from any byte, a page of whole lines, with the numbers of its lines where they are known."""

from __future__ import annotations

from dataclasses import dataclass

from registry.models import Blob
from registry.web.previews.reading import TEXT_LIMIT, as_text, read

# How far back the beginning of a line is looked for, when an address names a byte within it.
_LINE = 4096
# More numbers than these are no help beside a text.
_NUMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """The byte where the page begins, and the number of its line, as the page before has counted."""

    offset: int = 0
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Where another page begins, as its address says it; None at the beginning, and where it is not known."""

    offset: int | None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a text: its bytes from `start` to `end`, the number of its first line, and its neighbours."""

    text: str
    start: int
    end: int
    line: int | None
    back: Step | None
    next: Step | None

    @property
    def last(self) -> int:
        """The last byte that is shown."""
        return self.end - 1


def page(blob: Blob, asked: Asked) -> Page:
    """Return the page from a place on; it ends with a line, or within one that is longer than a page."""
    start = _beginning(blob, min(asked.offset, blob.size - 1)) if asked.offset > 0 else 0
    data = read(blob, start, TEXT_LIMIT)
    if start + len(data) < blob.size:
        data = data[: _whole_lines(data)]
    end = start + len(data)
    # Each line has a byte at least: what says otherwise was not written by us.
    line = 1 if start == 0 else asked.line if asked.line is not None and asked.line <= start + 1 else None
    after = None if line is None else line + data.count(b"\n")
    text = as_text(data, whole=True)
    return Page(
        data.decode("utf-8", "replace") if text is None else text,
        start,
        end,
        line,
        _back(blob, start, line) if start else None,
        Step(end, after) if end < blob.size else None,
    )


def numbers(text: str, first: int | None) -> str:
    """Return the numbers of lines, below one another; nothing where they are unknown, or too many."""
    if first is None:
        return ""
    count = text.count("\n") + (not text.endswith("\n"))
    return "\n".join(str(at) for at in range(first, first + count)) if count <= _NUMBERED else ""


def _beginning(blob: Blob, offset: int) -> int:
    """The beginning of the line in which a byte lies; of a very long line, that of the character."""
    from_there = max(0, offset - _LINE)
    data = read(blob, from_there, offset - from_there + 1)
    found = data[:-1].rfind(b"\n")
    if found >= 0 or from_there == 0:
        return from_there + found + 1
    back = 1
    while back < 4 and data[-back] & 0xC0 == 0x80:
        back += 1
    return offset - back + 1


def _whole_lines(data: bytes) -> int:
    """How much of some bytes are whole lines; where there is none, how much are whole characters."""
    if lines := data.rfind(b"\n") + 1:
        return lines
    for back in range(1, 5):
        byte = data[-back]
        if byte >= 0xC0:
            length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2
            return len(data) - (back if back < length else 0)
    return len(data)


def _back(blob: Blob, start: int, line: int | None) -> Step:
    """Find a page that leads to this one: what it shows reaches as far as here, and may repeat some lines."""
    low = max(0, start - TEXT_LIMIT)
    if low == 0:
        return Step(None)
    data = read(blob, low, start - low)
    # Within a very long line, the page before begins with that line: a page ends with the last line that it has whole.
    skipped = (data.find(b"\n", 0, -1) if data.endswith(b"\n") else data.rfind(b"\n")) + 1
    if not skipped and (line_begins := _beginning(blob, low)) < low:
        # That line begins before: so far behind its beginning that an address is not led back to that.
        skipped = line_begins + _LINE + 1 - low
        while data[skipped] & 0xC0 == 0x80:
            skipped += 1
    return Step(low + skipped, None if line is None else line - data.count(b"\n", skipped))

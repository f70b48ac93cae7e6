"""Files of comma-separated values as tables: a page of rows from any place in the file, sorted where it is small."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from registry.models import Blob
from registry.web.previews.reading import read, utf8

ROWS, COLUMNS, WIDEST = 50, 50, 200
# Read at a time; a record that is longer is no row of a table.
CHUNK = 256 * 1024
# Small enough to be read whole, and so to be sorted.
SORTED_UP_TO = 1024 * 1024
_SEPARATORS = {"csv": ",", "tsv": "\t", "tab": "\t"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: the place of the page in bytes (in rows, where it is sorted), and the order."""

    start: int = 0
    column: int | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the names of their columns; `after` is the place of the next page, None at the end."""

    head: list[str]
    rows: list[list[str]]
    start: int
    after: int | None
    sortable: bool
    column: int | None
    descending: bool
    left_out: int = 0

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers only."""
        return [
            all(_is_number(row[at]) for row in self.rows if at < len(row) and row[at])
            for at in range(len(self.head))
        ]


def separator_of(path: str) -> str | None:
    """Return what separates the values of a file by its name, None when it is none of these."""
    return _SEPARATORS.get(path.rpartition(".")[2].lower())


def table(path: str, blob: Blob, asked: Asked) -> Table | None:
    """Return a page of a table; None when the file is none after all, and is shown as text."""
    separator = separator_of(path)
    if separator is None:
        return None
    try:
        head, body = _first(blob, separator)
        if asked.column is not None and asked.column < len(head) and blob.size <= SORTED_UP_TO:
            return _sorted(blob, separator, head, body, asked)
        return _page(blob, separator, head, body, asked.start)
    except (csv.Error, _NoTable):
        return None


class _NoTable(Exception):
    """Bytes that are no text, or a record that is too long."""


def _first(blob: Blob, separator: str) -> tuple[list[str], int]:
    """Return the names of the columns, and where the rows begin."""
    for record, end in _records(blob, separator, 0):
        if len(record) < 2:
            break
        return record, end
    raise _NoTable


def _records(blob: Blob, separator: str, start: int) -> Iterator[tuple[list[str], int]]:
    """Iterate over records from a place on, each with the place after it, reading no more than one chunk."""
    data = read(blob, start, CHUNK)
    is_last = start + len(data) >= blob.size
    # Places are counted in the bytes of UTF-8.
    text = utf8(data, whole=is_last)
    if text is None:
        raise _NoTable
    lines = list(io.StringIO(text, newline=""))
    # A byte order mark is none of the text.
    taken = [start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)]
    reader = csv.reader(_counted(lines, taken), delimiter=separator)
    for record in reader:
        # What the last line of a chunk holds may go on in the next one.
        if not is_last and reader.line_num >= len(lines):
            return
        if record:
            yield record, taken[0]


def _counted(lines: list[str], taken: list[int]) -> Iterator[str]:
    for line in lines:
        taken[0] += len(line.encode())
        yield line


def _page(blob: Blob, separator: str, head: list[str], first: int, asked: int) -> Table:
    rows, start = [], max(first, asked)
    after = start
    for record, end in _records(blob, separator, start):
        rows.append(_short(record))
        after = end
        if len(rows) == ROWS:
            break
    at_end = start + CHUNK >= blob.size and len(rows) < ROWS
    if not rows and not at_end:
        raise _NoTable
    more = None if at_end or after >= blob.size else after
    return _table(blob, head, rows, 0 if start == first else start, more, Asked())


def _sorted(blob: Blob, separator: str, head: list[str], body: int, asked: Asked) -> Table:
    column = asked.column or 0
    records: list[list[str]] = []
    place = body
    while place < blob.size:
        before = place
        for record, end in _records(blob, separator, place):
            records.append(record)
            place = end
        if place == before:
            break  # blank lines at the end
    records.sort(key=_key(column), reverse=asked.descending)
    shown = records[asked.start : asked.start + ROWS]
    after = asked.start + ROWS if asked.start + ROWS < len(records) else None
    return _table(blob, head, [_short(record) for record in shown], asked.start, after, asked)


def _key(column: int) -> Callable[[list[str]], tuple[int, float, str]]:
    """Sort numbers by size, before texts by letter."""

    def key(record: list[str]) -> tuple[int, float, str]:
        text = record[column] if column < len(record) else ""
        return (0, float(text), "") if _is_number(text) else (1, 0.0, text)

    return key


def _table(
    blob: Blob, head: list[str], rows: list[list[str]], start: int, after: int | None, asked: Asked
) -> Table:
    # A row may be longer than the head: what has no name is shown all the same.
    named = _short(head)
    named += [""] * (max([len(row) for row in rows], default=0) - len(named))
    return Table(
        named, rows, start, after, blob.size <= SORTED_UP_TO, asked.column, asked.descending,
        max(0, len(head) - COLUMNS),
    )  # fmt: skip


def _short(record: list[str]) -> list[str]:
    return [value if len(value) <= WIDEST else f"{value[:WIDEST]}…" for value in record[:COLUMNS]]


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)  # not NaN, which has no place in an order
    except ValueError:
        return False

"""Files of comma-separated values as tables: a page of rows from any place in the file, sorted where it is small."""

from __future__ import annotations

import csv
import io
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from registry.models import Blob
from registry.web.previews.reading import read, utf8

ROWS, COLUMNS, WIDEST = 50, 50, 200
# Read at a time; a record that is longer is no row of a table.
CHUNK = 256 * 1024
# Looked through to find the page before one, in a file that is not read whole.
BACK = 64 * 1024
# Small enough to be read whole, and so to be sorted.
SORTED_UP_TO = 1024 * 1024
_SEPARATORS = {"csv": ",", "tsv": "\t", "tab": "\t"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: the place of the page in bytes (in rows, where it is sorted), and the order.

    `number` is how many rows lie before that place, as the page before has counted; `first` is the first column.
    """

    start: int = 0
    column: int | None = None
    descending: bool = False
    number: int | None = None
    first: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Where another page begins, as its address says it: None at the beginning, and where it is not known."""

    row: int | None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is shown: its place among all, whether it holds numbers only."""

    name: str
    at: int
    numeric: bool

    @property
    def descending(self) -> str:
        """How an address asks for the order by it, largest first."""
        return f"-{self.at}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page lies: rows before it, rows of the file (None where they are not counted), and its neighbours."""

    start: int
    after: int | None
    number: int | None
    total: int | None
    back: Step | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the columns that are shown of them, `width` is how many there are."""

    columns: list[Column]
    rows: list[list[str]]
    place: Place
    width: int
    sortable: bool
    column: int | None
    descending: bool

    @property
    def after(self) -> int | None:
        """The place of the next page, None at the end."""
        return self.place.after

    @property
    def next(self) -> Step | None:
        """The next page, None at the end."""
        number, is_sorted = self.last, self.column is not None
        return None if self.after is None else Step(self.after, None if is_sorted else number)

    @property
    def last(self) -> int | None:
        """The number of the last row shown, counted from 1."""
        return None if self.place.number is None else self.place.number + len(self.rows)

    @property
    def first_column(self) -> int:
        """The place of the first column shown."""
        return self.columns[0].at if self.columns else 0

    @property
    def last_column(self) -> int:
        """The number of the last column shown, counted from 1."""
        return self.first_column + len(self.columns)

    @property
    def cells(self) -> list[SafeString]:
        """The cells of each row, written here: a template takes ten times as long for thousands of them."""
        starts = ['<td class="num">' if column.numeric else "<td>" for column in self.columns]
        rows = (zip(starts, row, strict=False) for row in self.rows)
        return [mark_safe("".join(f"{start}{escape(value)}</td>" for start, value in row)) for row in rows]  # noqa: S308  # each value is escaped

    @property
    def columns_before(self) -> int | None:
        """Where the columns before these begin, None where there are none."""
        return max(0, self.first_column - COLUMNS) if self.first_column else None

    @property
    def columns_after(self) -> int | None:
        """Where the columns after these begin, None where there are none."""
        return self.last_column if self.last_column < self.width else None


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
        return _page(blob, separator, head, body, asked)
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


def _records(
    blob: Blob, separator: str, start: int, length: int | None = None
) -> Iterator[tuple[list[str], int]]:
    """Iterate over records from a place on, each with the place after it, reading no more than one chunk."""
    data = read(blob, start, length or CHUNK)
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


def _page(blob: Blob, separator: str, head: list[str], first: int, asked: Asked) -> Table:
    rows, start = [], max(first, asked.start)
    after = start
    for record, end in _records(blob, separator, start):
        rows.append(record)
        after = end
        if len(rows) == ROWS:
            break
    at_end = start + CHUNK >= blob.size and len(rows) < ROWS
    if not rows and not at_end:
        raise _NoTable
    more = None if at_end or after >= blob.size else after
    place = _place(blob, separator, first, start, asked.number)
    if place.total is None and place.number is not None and more is None:
        place = replace(place, total=place.number + len(rows))
    return _table(blob, head, rows, replace(place, after=more), replace(asked, column=None))


def _place(blob: Blob, separator: str, first: int, start: int, number: int | None) -> Place:
    """Say where a page lies: exactly in a file that is read whole at once, else as far as can be known."""
    if blob.size <= CHUNK:
        begins = [first, *(end for _, end in _records(blob, separator, first))]
        before = min(bisect_left(begins, start), len(begins) - 1)
        previous = max(0, before - ROWS)
        back = Step(begins[previous] if previous else None, previous or None) if before else None
        return Place(0 if start == first else start, None, before, len(begins) - 1, back)
    if start == first:
        return Place(0, None, 0, None, None)
    # Each row has two bytes at least: what says otherwise was not written by us.
    number = number if number is not None and number <= start else None
    return Place(start, None, number, None, _step_back(blob, separator, first, start, number))


def _step_back(blob: Blob, separator: str, first: int, start: int, number: int | None) -> Step | None:
    """Find the page before a place: read as records from a line on, what ends there is counted back."""
    begin = max(first, start - BACK)
    if begin > first:
        begin += read(blob, begin, start - begin).find(b"\n") + 1
    begins = [begin]
    # A few bytes more, since the last line of what is read may go on.
    for _, end in _records(blob, separator, begin, start - begin + 4):
        begins.append(end)
        if end >= start:
            break
    if begins[-1] != start or len(begins) < 2:
        return None
    place = begins[-ROWS - 1] if len(begins) > ROWS else begins[0]
    if place == first:
        return Step(None)
    return Step(place, None if number is None else max(0, number - min(ROWS, len(begins) - 1)))


def _sorted(blob: Blob, separator: str, head: list[str], body: int, asked: Asked) -> Table:
    column = asked.column or 0
    records: list[list[str]] = []
    at = body
    while at < blob.size:
        before = at
        for record, end in _records(blob, separator, at):
            records.append(record)
            at = end
        if at == before:
            break  # blank lines at the end
    records.sort(key=_key(column), reverse=asked.descending)
    shown = records[asked.start : asked.start + ROWS]
    after = asked.start + ROWS if asked.start + ROWS < len(records) else None
    back = Step(max(0, asked.start - ROWS) or None) if asked.start else None
    place = Place(asked.start, after, min(asked.start, len(records)), len(records), back)
    return _table(blob, head, shown, place, asked)


def _key(column: int) -> Callable[[list[str]], tuple[int, float, str]]:
    """Sort numbers by size, before texts by letter."""

    def key(record: list[str]) -> tuple[int, float, str]:
        text = record[column] if column < len(record) else ""
        return (0, float(text), "") if _is_number(text) else (1, 0.0, text)

    return key


def _table(blob: Blob, head: list[str], rows: list[list[str]], place: Place, asked: Asked) -> Table:
    # A row may be longer than the head: what has no name is shown all the same.
    width = max([len(head), *(len(row) for row in rows)])
    first = min(asked.first, width - 1) // COLUMNS * COLUMNS
    shown = [_short(row[first : first + COLUMNS]) for row in rows]
    names = _short((head + [""] * (width - len(head)))[first : first + COLUMNS])
    columns = [Column(name, first + at, _is_numeric(shown, at)) for at, name in enumerate(names)]
    return Table(columns, shown, place, width, blob.size <= SORTED_UP_TO, asked.column, asked.descending)


def _short(record: list[str]) -> list[str]:
    return [value if len(value) <= WIDEST else f"{value[:WIDEST]}…" for value in record]


def _is_numeric(rows: list[list[str]], at: int) -> bool:
    return all(_is_number(row[at]) for row in rows if at < len(row) and row[at])


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)  # not NaN, which has no place in an order
    except ValueError:
        return False

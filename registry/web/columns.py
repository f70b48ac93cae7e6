"""Columns of metadata in the table of versions: which there are, which are shown, how they sort, and a chart of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.functions import Coalesce, Left
from django.http import HttpRequest

from registry.http.paging import Key, Order, orders
from registry.models import Membership
from registry.models.json_values import JsonNumber, JsonText
from registry.services import filters
from registry.web.charts import Line, line
from registry.web.orders import VERSIONS
from registry.web.templatetags.words import figure, short_json

BY_ITSELF, MOST, OFFERED = 2, 8, 60
CHARTED = 200
_DEPTH, _WIDEST = 4, 80
_PREFIX = f"{filters.METADATA}."
# What of a text counts when a column is sorted: it stands in the address of the next page.
_SORTED = 100
Path = tuple[str, ...]
_SORT_KEYS = (Key("sorted_kind", int), Key("sorted_by", float), Key("sorted_text", str), Key("number", int))


@dataclass(slots=True)
class Column:
    """A key of the metadata, with what the rows of this page have there."""

    path: Path
    values: list[Any] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The key as a search names it."""
        return filters.write_path(self.path)

    @property
    def order(self) -> str:
        """The name of the order by it."""
        return f"{_PREFIX}{self.name}"

    @property
    def is_numeric(self) -> bool:
        """Tell whether there are numbers only."""
        known = [value for value in self.values if value is not None]
        return bool(known) and all(is_number(value) for value in known)

    def written(self) -> list[str]:
        """Write the values; numbers with as many decimals as the finest needs, up to four: so they align."""
        plain = [_plain(value) for value in self.values]
        numbers = [
            text
            for text, value in zip(plain, self.values, strict=True)
            if is_number(value) and not _is_short(text)
        ]
        places = max((len(text.partition(".")[2]) for text in numbers), default=0)
        return [
            f"{value:,.{places}f}" if is_number(value) and not _is_short(text) else text
            for value, text in zip(self.values, plain, strict=True)
        ]


def _is_short(text: str) -> bool:
    """Tell whether a number is written with a power of ten: such have no decimals to align, and may be no float."""
    return "e" in text.lower()


def is_number(value: Any) -> bool:
    """True of a number, not of a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> str:
    if value is None or is_number(value):
        return figure(value)
    text = value if isinstance(value, str) else short_json(value)
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"


def asked(request: HttpRequest) -> list[Path] | None:
    """Return the keys that the address asks for; None when it leaves the choice to the page."""
    names = request.GET.getlist("column")[:MOST]
    if not names and "columns" not in request.GET:
        return None
    return list(dict.fromkeys(filters.read_path(name) for name in names))


def sorted_by(request: HttpRequest) -> Path | None:
    """Return the key that the address sorts by, if it is one of metadata."""
    name = request.GET.get("order", "").removeprefix("-")
    return filters.read_path(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None


def known_orders(paths: Sequence[Path]) -> dict[str, Order]:
    """Return all orders of the table: those of every collection, and those by these keys."""
    by_key = [(f"-{_PREFIX}{filters.write_path(path)}", _SORT_KEYS) for path in paths]
    return {**VERSIONS, **orders(*by_key)}


def sortable(rows: QuerySet[Membership], path: Path | None, order: str) -> QuerySet[Membership]:
    """Let rows be sorted by a key of the metadata: numbers, then texts; those without come last, whichever way."""
    if path is None:
        return rows
    number, text = JsonNumber("version__metadata", path), JsonText("version__metadata", path)
    numbers, texts, none = (2, 1, 0) if order.startswith("-") else (0, 1, 2)
    rows = rows.annotate(found_number=number, found_text=Left(text, _SORTED))
    kind = Case(
        When(found_number__isnull=False, then=numbers),
        When(found_text__isnull=False, then=texts),
        default=none,
        output_field=IntegerField(),
    )
    return rows.annotate(
        sorted_kind=kind,
        sorted_by=Coalesce("found_number", Value(0.0)),
        sorted_text=Coalesce("found_text", Value("")),
    )


def offered(rows: Sequence[Membership], also: Sequence[Path]) -> list[Path]:
    """Return the keys that could be columns: those of these rows in the order in which they first stand there."""
    found = dict.fromkeys(also)
    for row in rows:
        for path, _ in _leaves(row.version.metadata, ()):
            if len(found) >= OFFERED:
                return list(found)
            found.setdefault(path)
    return list(found)


@dataclass(frozen=True, slots=True)
class Choice:
    """A key in the menu of columns."""

    name: str
    shown: bool


def menu(rows: Sequence[Membership], shown: Sequence[Column]) -> list[Choice]:
    """Return what the menu of columns offers: those that are shown first."""
    paths = [column.path for column in shown]
    return [Choice(filters.write_path(path), path in paths) for path in offered(rows, paths)]


def of(rows: Sequence[Membership], paths: Sequence[Path] | None) -> list[Column]:
    """Return the columns to show: those that were asked for, else the first that hold numbers."""
    if paths is None:
        paths = _first_numbers(rows)
    return [Column(path, [value_at(row.version.metadata, path) for row in rows]) for path in paths]


def _first_numbers(rows: Sequence[Membership]) -> list[Path]:
    """The first keys that hold numbers in the newest version that has any."""
    for row in rows:
        leaves = _leaves(row.version.metadata, ())
        found: list[Path] = [path for path, value in leaves if len(path) == 1 and is_number(value)]
        if found:
            return found[:BY_ITSELF]
    return []


def _leaves(value: Mapping[str, Any], above: Path) -> Iterator[tuple[Path, Any]]:
    for key, below in value.items():
        path = (*above, key)
        if isinstance(below, dict):
            if len(path) < _DEPTH:
                yield from _leaves(below, path)
        elif not isinstance(below, list) and len(filters.write_path(path)) <= _WIDEST:
            yield path, below


def value_at(metadata: Any, path: Path) -> Any:
    """Return what stands at a path of keys, None when nothing does."""
    for key in path:
        if not isinstance(metadata, dict):
            return None
        metadata = metadata.get(key)
    return metadata


def chart(rows: QuerySet[Membership], shown: Sequence[Column], wanted: str = "") -> Line | None:
    """Return a column of numbers, the first unless another is `wanted`, over the newest versions that have one."""
    numeric = [column for column in shown if column.is_numeric]
    column = next((column for column in numeric if column.name == wanted), next(iter(numeric), None))
    if column is None:
        return None
    value = JsonNumber("version__metadata", column.path)
    found = rows.select_related(None).prefetch_related(None).annotate(charted=value)
    newest = found.filter(charted__isnull=False).order_by("-number").values_list("number", "charted")
    drawn = line(column.name, list(newest[:CHARTED])[::-1])
    return replace(drawn, others=[each.name for each in numeric if each is not column]) if drawn else None


def figures(metadata: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the numbers at the top of the metadata: what a version is known by before all else."""
    return [(key, value) for key, value in metadata.items() if is_number(value)]

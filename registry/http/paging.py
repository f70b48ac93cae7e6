"""Lists a page at a time: keyset cursors, a fixed map of orders, never OFFSET and never COUNT."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from django.db.models import Func, IntegerField, Model, Q, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from strongroom.core.errors import InvalidQuery

from registry.http import moments
from registry.models.matched import Matched
from registry.models.merged import Merged

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
# Of cards and metadata in one page: a single version may have nine megabytes of them.
BUDGET_BYTES = 4 * 1024 * 1024
_MAX_CURSOR = 1024
_INT64 = 2**63
M = TypeVar("M", bound=Model)
R = TypeVar("R")
Rows: TypeAlias = QuerySet[M] | Merged[M] | Matched[M]


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order: its field path, and the type that its cursor value has."""

    field: str
    kind: type

    def of(self, row: Any) -> Any:
        value = row
        for part in self.field.split("__"):
            value = getattr(value, part)
        return value


@dataclass(frozen=True, slots=True)
class Order:
    """Columns that sort a list, all in one direction; the last is unique, so that no row is skipped."""

    name: str
    keys: tuple[Key, ...]
    descending: bool = False

    def columns(self) -> list[str]:
        return [f"-{key.field}" if self.descending else key.field for key in self.keys]


def orders(*given: tuple[str, tuple[Key, ...]]) -> dict[str, Order]:
    """Map `name` and `-name` of each given order; the first one given is the default."""
    found: dict[str, Order] = {}
    for name, keys in given:
        bare = name.removeprefix("-")
        other = bare if name.startswith("-") else f"-{bare}"
        found[name] = Order(name, keys, name.startswith("-"))
        found[other] = Order(other, keys, other.startswith("-"))
    return found


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """The rows of a page and the cursor of the next one, None at the end."""

    rows: list[R]
    next: str | None


def limit_of(query: Mapping[str, Any], *, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> int:
    """Read `limit`, 1 to `most`."""
    text = query.get("limit")
    if text is None:
        return default
    # isascii first: isdigit alone is true of superscripts, which int() then refuses.
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most):
        raise InvalidQuery(f"limit must be a whole number from 1 to {most}.", field="limit")
    return int(text)


def order_of(query: Mapping[str, Any], known: Mapping[str, Order]) -> Order:
    """Read `order`; only the names of the map are ever used, nothing of the text reaches the query."""
    name = query.get("order")
    if name is None:
        return next(iter(known.values()))
    if name not in known:
        raise InvalidQuery(f"order must be one of {', '.join(known)}.", field="order")
    return known[name]


def page(
    rows: Rows[M],
    query: Mapping[str, Any],
    known: Mapping[str, Order],
    load: Callable[[QuerySet[M]], list[Any]] = list,
    weigh: Sequence[str] = (),
    by_id: Callable[[list[int]], list[Any]] | None = None,
) -> Page[Any]:
    """Return the page of `rows` that `order`, `cursor` and `limit` ask for; `load` reads the slice.

    The page ends early once the fields named by `weigh` pass the budget; `next` goes on from there.
    With `by_id`, which reads rows in any order, the list is narrowed and sorted for ids and sizes alone.
    """
    order, limit = order_of(query, known), limit_of(query)
    cursor = query.get("cursor")
    ordered = rows.order_by(*order.columns())
    if cursor is not None:
        ordered = ordered.filter(_beyond(order, decode(order, cursor)))
    if isinstance(ordered, Matched):
        return _page_of(ordered[: limit + 1], order, limit)
    if by_id is not None:
        return _page_by_id(ordered, order, limit, weigh, by_id)
    if weigh:
        limit = _affordable(ordered.values_list(_size(weigh), flat=True)[: limit + 1], limit)
    return _page_of(load(ordered[: limit + 1]), order, limit)


def _page_of(found: list[Any], order: Order, limit: int) -> Page[Any]:
    """Cut off the row that only says whether there are more."""
    more = len(found) > limit
    return Page(found[:limit], encode(order, found[limit - 1]) if more else None)


def _page_by_id(
    ordered: QuerySet[Any] | Merged[Any],
    order: Order,
    limit: int,
    weigh: Sequence[str],
    by_id: Callable[[list[int]], list[Any]],
) -> Page[Any]:
    keys = ordered.values_list("pk", _size(weigh), *(key.field for key in order.keys))
    listed = list(keys[: limit + 1])
    limit = _affordable((size for _, size, *_ in listed), limit)
    # One that was deleted since it was listed is left out; the cursor does not need it.
    found = {row.pk: row for row in by_id([pk for pk, *_ in listed[:limit]])}
    for pk, _, *values in listed[:limit]:
        if isinstance(found.get(pk), Model):
            # What the list is sorted by and is no field of the row: the page makes a cursor of it.
            for key, value in zip(order.keys, values, strict=True):
                vars(found[pk]).setdefault(key.field, value)
    following = _encoded(order, listed[limit - 1][2:]) if len(listed) > limit else None
    return Page([found[pk] for pk, *_ in listed[:limit] if pk in found], following)


def _affordable(sizes: Iterable[int], limit: int) -> int:
    """Say how many of the next rows fit into the budget, before any of them is read; one fits always.

    The row after them, which only says whether there are more, is read with them: it may be large as well.
    """
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > BUDGET_BYTES and count > 0:
            return count
    return limit


def _size(weigh: Sequence[str]) -> Combinable:
    return sum((_length(field) for field in weigh), Value(0))


def _length(field: str) -> Func:
    return Func(Cast(field, TextField()), function="LENGTH", output_field=IntegerField())


def encode(order: Order, row: Any) -> str:
    """Name the place after `row`, for this order only."""
    return _encoded(order, [key.of(row) for key in order.keys])


def _encoded(order: Order, values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    raw = json.dumps([order.name, *plain], separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(order: Order, cursor: str) -> list[Any]:
    """Read a cursor strictly: it is text from outside, whatever wrote it first."""
    try:
        if len(cursor) > _MAX_CURSOR:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, *values = json.loads(raw.decode())
        if name != order.name or len(values) != len(order.keys):
            raise ValueError("of another list")
        return [_value(key.kind, value) for key, value in zip(order.keys, values, strict=True)]
    except (ValueError, TypeError, RecursionError, OverflowError, binascii.Error):
        raise InvalidQuery(
            "The cursor is not one that this list gave for this order. Start again without it.",
            field="cursor",
        ) from None


def _value(kind: type, value: Any) -> Any:
    if kind is datetime and isinstance(value, str):
        return moments.read(value)
    same: bool = type(value) is kind
    if not same or (kind is str and "\0" in value):
        raise ValueError("of another type")
    if kind is int and not -_INT64 <= value < _INT64:
        raise ValueError("outside of 64 bits")
    if kind is str:
        value.encode()
    return value


def _beyond(order: Order, values: list[Any]) -> Q:
    """Rows after the cursor. The redundant outer bound lets the index seek; OR alone would scan."""
    sign = "lt" if order.descending else "gt"
    first, rest = order.keys[0], order.keys[1:]
    if not rest:
        return Q((f"{first.field}__{sign}", values[0]))
    deeper = _beyond(Order(order.name, rest, order.descending), values[1:])
    bound = Q((f"{first.field}__{sign}e", values[0]))
    return bound & (Q((f"{first.field}__{sign}", values[0])) | deeper)

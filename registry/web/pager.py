"""Pages of a list: keyset cursors in both directions, sorted by what the list offers, all of it in the URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from registry.http import paging
from registry.http.paging import Order

Q = TypeVar("Q", bound=QuerySet[Any, Any])
ROWS = 25
# A search is counted to here: beyond, to say how many there are would cost more than to show some.
_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Sort:
    """A column head: where a click leads, and how the column is sorted now."""

    href: str
    aria: str


@dataclass(slots=True)
class Pager:
    """The rows of a page, with the addresses of its neighbours and of its other orders."""

    rows: list[Any]
    newer: str = ""
    older: str = ""
    order: str = ""
    sorts: dict[str, Sort] = field(default_factory=dict)
    by_time: bool = True

    @property
    def back_word(self) -> str:
        return "Newer" if self.by_time else "Back"

    @property
    def on_word(self) -> str:
        return "Older" if self.by_time else "Next"


def paged(
    request: HttpRequest,
    rows: paging.Rows[Any],
    known: Mapping[str, Order],
    *,
    limit: int = ROWS,
    by_time: bool = True,
    prefix: str = "",
    load: Callable[[QuerySet[Any]], list[Any]] = list,
    weigh: Sequence[str] = (),
    by_id: Callable[[list[int]], list[Any]] | None = None,
) -> Pager:
    """Return the page of `rows` that `order`, `after` and `before` ask for; `load` reads the slice.

    The page ends early where the fields named by `weigh` would fill the memory.

    Where a page shows two lists, `prefix` stands before the cursors of each.
    """
    order = paging.order_of(request.GET, known)
    opposite = known[_flip(order.name)]
    before, after = request.GET.get(f"{prefix}before"), request.GET.get(f"{prefix}after")
    if before is None:
        page = paging.page(rows, _query(order, after, limit), known, load, weigh, by_id)
        found, older = page.rows, page.next
        newer = paging.encode(opposite, found[0]) if found and after is not None else None
    else:
        page = paging.page(rows, _query(opposite, before, limit), known, load, weigh, by_id)
        found = page.rows[::-1]
        newer = paging.encode(opposite, found[0]) if page.next else None
        older = paging.encode(order, found[-1]) if found else None
    pager = Pager(found, order=order.name, by_time=by_time)
    pager.newer = _address(request.GET, prefix, before=newer) if newer else ""
    pager.older = _address(request.GET, prefix, after=older) if older else ""
    pager.sorts = sorts(request, order.name, known)
    return pager


def sorts(request: HttpRequest, current: str, known: Mapping[str, Order]) -> dict[str, Sort]:
    """Return the column heads by the name of their order, given how the list is sorted now."""
    return {name.removeprefix("-"): _sort(request.GET, name, current) for name in _defaults(known)}


def bounded_count(rows: QuerySet[Any]) -> str:
    """Say how many rows a search found, in one query that looks at no more of them than it counts."""
    return _matches(rows.order_by().values("pk")[: _COUNTED + 1].count())


def found_once(rows: Q, among: Q) -> tuple[Q, str]:
    """Look once for what a search finds; return that, and say how many there are.

    Few are named by their ids, so that what is made of them (a page, a chart) need not look into all rows again;
    `among` is the list that was searched. Of many, one meets the next soon, wherever one looks.
    """
    ids = list(rows.order_by().values_list("pk", flat=True)[: _COUNTED + 1])
    return rows if len(ids) > _COUNTED else among.filter(pk__in=ids), _matches(len(ids))


def _matches(found: int) -> str:
    if found > _COUNTED:
        return f"More than {_COUNTED:,} match"
    return f"{found:,} {'matches' if found == 1 else 'match'}"


def _query(order: Order, cursor: str | None, limit: int) -> dict[str, str]:
    query = {"order": order.name, "limit": str(limit)}
    return query if cursor is None else {**query, "cursor": cursor}


def _flip(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _defaults(known: Mapping[str, Order]) -> list[str]:
    """The direction that each order takes first: the one it was named with."""
    return list(known)[::2]


def _sort(given: QueryDict, name: str, current: str) -> Sort:
    if current.removeprefix("-") != name.removeprefix("-"):
        return Sort(_address(given, "", order=name), "")
    aria = "descending" if current.startswith("-") else "ascending"
    return Sort(_address(given, "", order=_flip(current)), aria)


def _address(given: QueryDict, prefix: str, **change: str) -> str:
    """The same page with another order or cursor: filters stay, old cursors go."""
    query = given.copy()
    for name in ("after", "before"):
        query.pop(f"{prefix}{name}", None)
    for name, value in change.items():
        query[f"{prefix}{name}"] = value
    return f"?{query.urlencode()}"

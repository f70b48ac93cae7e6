"""Lists a page at a time, as the client asks for them: `first`, `after`, edges and a cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from registry.errors import InvalidInput, InvalidQuery
from registry.http.paging import MAX_LIMIT, Order, Page, Rows, page
from registry.wandb_api.context import Context


def read(
    context: Context,
    rows: Rows[Any],
    known: Mapping[str, Order],
    *,
    first: int | None,
    after: str | None,
    order: str | None = None,
    load: Callable[[Any], list[Any]] = list,
    weigh: Sequence[str] = (),
) -> Page[Any]:
    """Read one page; more than a page holds is never given, and the client goes on by the cursor."""
    context.spend()
    limit = 50 if first is None else min(max(first, 1), MAX_LIMIT)
    query = {"limit": str(limit)} | ({"cursor": after} if after else {}) | ({"order": order} if order else {})
    return page(rows, query, known, load, weigh)


def edges(nodes: Iterable[Any], next: str | None = None, *, total: int | None = None) -> dict[str, Any]:
    """Write a page. An edge to a version says its number, too."""
    found = [{"node": node, "cursor": None, "version": getattr(node, "version", None)} for node in nodes]
    return {
        "edges": found,
        "totalCount": len(found) if total is None else total,
        "pageInfo": {
            "__typename": "PageInfo",
            "endCursor": next,
            "hasNextPage": next is not None,
            "hasPreviousPage": False,
            "startCursor": None,
        },
    }


def order_of(given: str | None, names: Mapping[str, str], default: str) -> str:
    """Read an order such as `-createdAt`: `names` says what of it is ours."""
    if not given:
        return default
    sign, bare = ("-", given[1:]) if given[0] == "-" else ("", given.removeprefix("+"))
    if bare not in names:
        raise InvalidQuery(
            f'This list has no order "{bare}". Choose one of: {", ".join(names)}.', field="order"
        )
    return sign + names[bare]


def refuse_filters(filters: str | None) -> None:
    """Refuse a filter where none is served: a list that ignored it would be wrong."""
    if filters and filters.strip() not in ("{}", "null"):
        raise InvalidInput("This list takes no filters here. Ask for it without, and choose from it.")

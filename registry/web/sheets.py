"""Lists as CSV, written as they are read: a page of rows in memory, whatever the length of the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from registry.http import cells, paging
from registry.http.paging import Order
from registry.models import Membership
from registry.services import filters, retention
from registry.services.retention import EffectiveTtl
from registry.web import columns
from registry.web.templatetags.words import short_json

_PAGE = 200
_HEAD = ("version", "aliases", "tags", "size", "files", "created", "created by", "run", "digest", "expires")


def versions(
    listed: QuerySet[Membership],
    known: Mapping[str, Order],
    order: str,
    chosen: Sequence[columns.Path],
    by_id: Callable[[list[int]], list[Membership]],
) -> Iterator[str]:
    """Write versions with the columns that were chosen."""
    write = cells.line_writer()
    yield write([*_HEAD, *(_cell(filters.write_path(path)) for path in chosen)])
    query: dict[str, str] = {"order": order, "limit": str(_PAGE)}
    while True:
        page = paging.page(listed, query, known, weigh=["version__metadata"], by_id=by_id)
        ttls = retention.effective_for(page.rows) if page.rows else {}
        for row in page.rows:
            values = [_cell(columns.value_at(row.version.metadata, path)) for path in chosen]
            yield write([*_version(row, ttls[row.pk]), *values])
        if page.next is None:
            return
        query["cursor"] = page.next


def _version(row: Membership, ttl: EffectiveTtl) -> list[Any]:
    version = row.version
    return [
        f"v{row.number}",
        _cell(" ".join(row.held_aliases())),
        _cell(", ".join(version.held_tags())),
        version.size,
        version.file_count,
        version.created_at.isoformat(timespec="seconds"),
        version.created_by.username if version.created_by else "",
        _cell(str(version.run or "")),
        version.digest,
        ttl.expires_at.isoformat(timespec="seconds") if ttl.expires_at and not ttl.kept_because else "",
    ]


def _cell(value: Any) -> Any:
    if value is None or columns.is_number(value):
        return "" if value is None else value
    return cells.safe(value if isinstance(value, str) else short_json(value))

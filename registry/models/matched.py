"""Rows whose ids come from an index that knows nothing of who may see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)
_ALL = Q()
# Ids that are read from the index and looked up in one query.
_MOST_AT_ONCE = 5000


class Matched(Generic[M]):
    """Takes what paging asks of a list, sorted by `pk` or `-pk`.

    `listed` returns the first ids of the index within a bound, in an order, up to a count. `among` returns those
    of some ids that are there and may be seen; the others are passed over, a growing part of the index at a time.
    The rows are read last, by their ids: joined to the index, SQLite would begin at all rows of the other tables.
    """

    def __init__(
        self,
        listed: Callable[[Q, str, int], list[int]],
        among: Callable[[list[int]], Collection[int]],
        rows: QuerySet[M],
        bound: Q = _ALL,
        order: str = "-pk",
    ) -> None:
        self._listed, self._among, self._rows = listed, among, rows
        self._bound, self._order = bound, order

    def order_by(self, column: str) -> Matched[M]:
        """Sort by `pk` or `-pk`."""
        return Matched(self._listed, self._among, self._rows, self._bound, column)

    def filter(self, bound: Q) -> Matched[M]:
        """Narrow to ids before or after one."""
        return Matched(self._listed, self._among, self._rows, self._bound & bound, self._order)

    def __getitem__(self, part: slice) -> list[M]:
        wanted = list(islice(self._ids(part.stop), part.stop))
        found = self._rows.in_bulk(wanted)
        return [found[pk] for pk in wanted if pk in found]

    def _ids(self, wanted: int) -> Iterator[int]:
        size, bound = 4 * wanted, self._bound
        while True:
            listed = self._listed(bound, self._order, size)
            seen = self._among(listed)
            yield from (pk for pk in listed if pk in seen)
            if len(listed) < size:
                return
            beyond = Q(pk__lt=listed[-1]) if self._order.startswith("-") else Q(pk__gt=listed[-1])
            bound, size = self._bound & beyond, min(size * 4, _MOST_AT_ONCE)

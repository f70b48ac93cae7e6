"""Rows of several querysets in one order, each read by an index of its own: an OR over them would use none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)


class Merged(Generic[M]):
    """Takes what paging asks of a queryset; no row may be in two of the parts."""

    def __init__(self, *parts: QuerySet[M], columns: tuple[str, ...] = ("-id",)) -> None:
        self._parts = parts
        self._columns = columns

    def order_by(self, *columns: str) -> Merged[M]:
        """Sort the whole."""
        return Merged(*self._parts, columns=columns)

    def filter(self, wanted: Q) -> Merged[M]:
        """Narrow every part."""
        return Merged(*(part.filter(wanted) for part in self._parts), columns=self._columns)

    def all(self) -> QuerySet[M]:
        """Return the whole as a queryset that can be read and sliced, and no longer be narrowed."""
        first, *rest = (part.order_by() for part in self._parts)
        return first.union(*rest, all=True).order_by(*self._columns)

    def __getitem__(self, part: slice) -> QuerySet[M]:
        return self.all()[part]

    def __iter__(self) -> Iterator[M]:
        return iter(self.all())

    def values_list(self, *fields: Any, **how: Any) -> Any:
        """Read columns of all rows."""
        return self.all().values_list(*fields, **how)

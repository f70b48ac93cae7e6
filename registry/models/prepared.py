"""Reads that each request makes, with their SQL made once.

Django composes a query anew each time it is asked, which costs ten times as much as SQLite needs to answer
one row. What every request reads (its key, the project, the role, the collection, the version) is composed
once here and asked again with other values; docs/decisions/0005-prepared-reads.md has the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any, Generic, TypeVar

from django.db import connection, connections
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.query import ModelIterable, get_related_populators

M = TypeVar("M")
Value = int | str | Sequence[int] | Sequence[str]
# Values that stand for those to come; nothing real looks like them, and every integer column takes them.
_INT, _TEXT = 7_000_000_000_000_000_000, "\ue000prepared"


@dataclass(frozen=True, slots=True)
class _Slot:
    """A parameter that is given at each call: which value, which item of it, and the driver's type for it."""

    value: int
    item: int | None
    kind: Callable[[Any], Any]

    def fill(self, values: Sequence[Any]) -> Any:
        value = values[self.value]
        return self.kind(value if self.item is None else value[self.item])


@dataclass(frozen=True, slots=True)
class _Plan:
    """A composed query, and how its rows become what the caller wants."""

    sql: str
    params: list[Any]
    converters: list[tuple[int, list[tuple[bool, Any]], Any]]
    make: Callable[[Sequence[Any]], Any]

    def rows(self, values: Sequence[Any]) -> Iterator[Any]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.filled(values))
            found = cursor.fetchall()
        return map(self.make, self._converted(found))

    def filled(self, values: Sequence[Any]) -> list[Any]:
        """Return the parameters, with these values where stand-ins are."""
        return [one.fill(values) if type(one) is _Slot else one for one in self.params]

    def _converted(self, rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
        # This thread's own, once: the proxy would look it up for each value.
        here = connections[connection.alias]
        bound = [
            (
                at,
                [MethodType(step, here.ops) if of_database else step for of_database, step in steps],
                expression,
            )
            for at, steps, expression in self.converters
        ]
        for row in rows:
            converted = list(row)
            for at, steps, expression in bound:
                for step in steps:
                    converted[at] = step(converted[at], expression, here)
            yield converted


class Prepared(Generic[M]):
    """A query of one shape: `build` composes it, and is called with stand-ins for whole numbers, texts and lists.

    It may look for values by `=` and `IN` only, takes no NULL, and can't prefetch. Lists are filled up to
    powers of two, so that few shapes are kept. For `values_list` a row is a list.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]]) -> None:
        self._build = build
        self._plans: dict[tuple[type | int, ...], _Plan] = {}

    def all(self, *values: Value) -> list[M]:
        """Return all rows; none for an empty list."""
        given = [_whole(value) for value in values]
        return [] if [] in given else list(self._plan(given).rows(given))

    def first(self, *values: Value) -> M | None:
        """Return the first row, if there is any."""
        return next(iter(self.all(*values)), None)

    def within(self, *values: int | str) -> RawSQL:
        """Return the query as a part of another one, to stand behind `__in`; it must select one column."""
        plan = self._plan(values)
        return RawSQL(plan.sql, plan.filled(values))  # noqa: S611  # SQL that Django composed; values stay parameters

    def _plan(self, given: Sequence[Any]) -> _Plan:
        shape = tuple(len(value) if type(value) is list else type(value) for value in given)
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plans[shape] = _composed(self._build, given)
        return plan


def _whole(value: Value) -> Any:
    if isinstance(value, int | str):
        return value
    items = list(value)
    if not items:
        return items
    return items + items[-1:] * ((1 << (len(items) - 1).bit_length()) - len(items))


def _composed(build: Callable[..., QuerySet[Any, Any]], given: Sequence[Any]) -> _Plan:
    places: dict[Any, tuple[int, int | None]] = {}
    stand_ins = [_stand_in(value, at, places) for at, value in enumerate(given)]
    queryset = build(*stand_ins)
    compiler = queryset.query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    slots = [_Slot(*places[one], type(one)) if _is_stand_in(one, places) else one for one in params]
    if len({slot.value for slot in slots if isinstance(slot, _Slot)}) != len(given):
        raise TypeError("Each value of a prepared query must be looked for as it is.")
    make = _maker(compiler) if queryset._iterable_class is ModelIterable else list
    return _Plan(sql, slots, _converters(compiler), make)


def _is_stand_in(param: Any, places: dict[Any, tuple[int, int | None]]) -> bool:
    return isinstance(param, int | str) and param in places


def _stand_in(value: Any, at: int, places: dict[Any, tuple[int, int | None]]) -> Any:
    if type(value) is list:
        return [_name(item, at, n, places) for n, item in enumerate(value)]
    return _name(value, at, None, places)


def _name(value: Any, at: int, item: int | None, places: dict[Any, tuple[int, int | None]]) -> Any:
    if type(value) not in (int, str):
        raise TypeError(f"A prepared query takes whole numbers and texts, not {type(value).__name__}.")
    name = _INT + len(places) if type(value) is int else f"{_TEXT}{len(places)}"
    places[name] = (at, item)
    return name


def _converters(compiler: Any) -> list[tuple[int, list[tuple[bool, Any]], Any]]:
    """Return the conversions by column, those of the database without the connection that they are bound to."""
    columns = [column[0] for column in compiler.select[: compiler.col_count]]
    found = compiler.get_converters(columns)
    return [(at, [_unbound(step) for step in steps], expression) for at, (steps, expression) in found.items()]


def _unbound(step: Any) -> tuple[bool, Any]:
    of_database = getattr(step, "__self__", None) is connection.ops
    return of_database, step.__func__ if of_database else step


def _maker(compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """Return what makes an instance of a row, with the related ones that were selected, as QuerySets do."""
    info, alias = compiler.klass_info, connection.alias
    first, last = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column[0].target.attname for column in compiler.select[first:last]]
    populators = get_related_populators(info, compiler.select, alias)  # type: ignore[call-arg]  # stubs of a later Django
    model, annotations = info["model"], compiler.annotation_col_map or {}

    def make(row: Sequence[Any]) -> Any:
        made = model.from_db(alias, names, row[first:last])
        for populator in populators:
            populator.populate(row, made)
        for name, at in annotations.items():
            setattr(made, name, row[at])
        return made

    return make

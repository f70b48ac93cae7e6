"""The history of aliases, as it is read: who held one at a moment, and one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TypeAlias

from django.db.models import OuterRef, Q, QuerySet, Subquery
from strongroom.core.dated import Dated

from registry.actor import Actor
from registry.errors import InvalidReference, NotFound
from registry.models import AliasMove, Collection, Membership, Promotion
from registry.policy import Act, check
from registry.services._common import now, spelled
from registry.services.alias_moves import SLACK
from registry.services.aliases import LATEST

_Move: TypeAlias = tuple[datetime, int | None, AliasMove | None]


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when a version held an alias; `until` is None for who holds it now."""

    name: str
    number: int
    since: datetime
    until: datetime | None
    # None of a version that took `latest` as it was logged.
    move: AliasMove | None


def number_at(collection: Collection, past: Dated) -> int:
    """Return the number of the version that held an alias then; NotFound where none did."""
    if past.is_future(now()):
        raise InvalidReference(f"{past.when} is yet to come. Name a date that is over, or leave it out.")
    name = spelled(past.alias)
    number = held_at(collection, [name], past.at).get(name)
    if number is None:
        raise NotFound(_nobody(collection, name, past))
    return number


def _nobody(collection: Collection, name: str, past: Dated) -> str:
    nobody = f"Nobody held {collection.name}:{name} at {past.when}"
    rows = AliasMove.objects.filter(collection=collection, name=name)
    before = rows.filter(at__lte=past.at).order_by("-at", "-pk").first()
    if before is not None:
        return f"{nobody}: it was taken away on {_day(before.at)}."
    after = rows.filter(number__isnull=False).order_by("at", "pk").first()
    if after is not None and name != LATEST:
        return f"{nobody}: it was first given on {_day(after.at)}, to v{after.number}."
    if past.at < collection.created_at:
        return f"{nobody}: {collection.name} was made on {_day(collection.created_at)}."
    return f"{nobody}."


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def held_at(collection: Collection, names: Iterable[str], at: datetime) -> dict[str, int]:
    """Return the numbers of those who held some aliases at a moment, by alias; one query, two with `latest`."""
    wanted = list(names)
    last = {row.name: row for row in _last(collection, wanted, 1, at)}
    held = {name: row.number for name, row in last.items() if row.number is not None}
    if LATEST in wanted:
        logged = _logged(collection, at).first()
        told = last.get(LATEST)
        if logged is not None and (told is None or logged.created_at > told.at):
            held[LATEST] = logged.number
    return held


def last_of(collection: Collection, names: Sequence[str]) -> dict[str, AliasMove]:
    """Return the last move of each of some aliases, by alias; one query."""
    return {row.name: row for row in _last(collection, names, 1, now())}


def _logged(collection: Collection, at: datetime) -> QuerySet[Membership]:
    """The versions that a collection got until then, the newest first: each took `latest` as it came."""
    rows = Membership.objects.filter(collection=collection, created_at__lte=at)
    return rows.order_by("-created_at", "-pk")


def _last(collection: Collection, names: Sequence[str], each: int, until: datetime) -> list[AliasMove]:
    """Return the last moves of each of some aliases until a moment, in the order of time; one query."""
    if not names:
        return []
    here = AliasMove.objects.filter(collection=collection, at__lte=until).order_by("-at", "-pk")
    if len(names) == 1:
        return list(here.filter(name=names[0])[:each])[::-1]
    parts = (Q(pk__in=here.filter(name=name).values("pk")[:each]) for name in names)
    return list(AliasMove.objects.filter(reduce(or_, parts)).order_by("at", "pk"))


def spans(
    actor: Actor, collection: Collection, names: Sequence[str], *, each: int, at: datetime | None = None
) -> dict[str, list[Span]]:
    """Return who held some aliases, one after the other: the last `each` moves of each alias."""
    check(actor, Act.VIEW, collection.project)
    until = at or now()
    found: dict[str, list[_Move]] = {name: [] for name in names}
    for row in _last(collection, names, each, until):
        found[row.name].append((row.at, row.number, row))
    if LATEST in found:
        logged = _logged(collection, until).values_list("created_at", "number")[:each]
        found[LATEST] = sorted([*found[LATEST], *((at, number, None) for at, number in logged)], key=_when)
    return {name: _paired(name, moves) for name, moves in found.items()}


def _when(move: _Move) -> datetime:
    return move[0]


def _paired(name: str, moves: list[_Move]) -> list[Span]:
    ends: list[datetime | None] = [at for at, _, _ in moves[1:]] + [None] * bool(moves)
    return [
        Span(name, number, since, until, row)
        for (since, number, row), until in zip(moves, ends, strict=True)
        if number is not None
    ]


def listing(
    actor: Actor,
    *,
    collection: Collection,
    alias: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[AliasMove]:
    """List what aliases did, each with `until`, when the same alias moved on, and the number of its promotion."""
    check(actor, Act.VIEW, collection.project)
    rows = AliasMove.objects.filter(collection=collection)
    if alias:
        rows = rows.filter(name=spelled(alias))
    if since:
        rows = rows.filter(at__gte=since)
    if until:
        rows = rows.filter(at__lt=until)
    later = Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))
    after = AliasMove.objects.filter(later, collection=OuterRef("collection"), name=OuterRef("name"))
    after = after.filter(at__gte=OuterRef("at")).order_by("at", "pk")
    by = Promotion.objects.filter(pk=OuterRef("promotion_id")).values("number")
    return rows.annotate(until=Subquery(after.values("at")[:1]), promotion_number=Subquery(by[:1]))


def lanes(actor: Actor, collection: Collection, present: Sequence[str], *, most: int) -> list[str]:
    """Choose the aliases that a picture shows: those that are held, then those that moved last; not `latest`."""
    check(actor, Act.VIEW, collection.project)
    recent = AliasMove.objects.filter(collection=collection).exclude(name=LATEST).order_by("-at", "-pk")
    moved = recent.values_list("name", flat=True)[: most * 10]
    known = [name for name in present if name != LATEST]
    return list(dict.fromkeys([*known[:most], *moved]))[:most]


def reasons(collection: Collection, moments: Sequence[tuple[str, int | None, datetime]]) -> list[AliasMove]:
    """Return the moves that were written with a reason or by a promotion, for events of aliases.

    Each event is told by its alias, the number of who held it then, and its time. An act writes the history, then
    its event, and has the collection locked until both are there: the last row before an event is its own.
    """
    if not moments:
        return []
    parts = (Q(name=name, number=number, at__lte=at, at__gte=at - SLACK) for name, number, at in moments)
    rows = AliasMove.objects.filter(reduce(or_, parts), collection=collection)
    return list(rows.exclude(reason="", promotion_id=None).order_by("at", "pk"))


def promotions_of(moves: Iterable[AliasMove]) -> dict[int, Promotion]:
    """Return the promotions that moved aliases, by id, as far as they are there."""
    wanted = {move.promotion_id for move in moves if move.promotion_id is not None}
    return {row.pk: row for row in Promotion.objects.for_listing().filter(pk__in=wanted)}

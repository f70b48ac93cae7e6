"""Who holds the aliases of a portfolio: since when, through whom, and what it was in its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from registry.actor import Actor
from registry.models import Alias, AliasMove, Collection, Membership, Promotion, ProtectedAlias
from registry.policy import Act, check
from registry.services import alias_history, protection
from registry.services.aliases import LATEST

MOST = 12
_READ, _MOVES = 500, 1000


@dataclass(frozen=True, slots=True)
class Holder:
    """A version that holds an alias. `rule` protects the alias; `promotion` moved it here, if one did."""

    alias: str
    membership: Membership
    since: datetime
    by: str
    promotion: Promotion | None
    rule: ProtectedAlias | None


@dataclass(frozen=True, slots=True)
class Tenure:
    """An alias that a version held before, and for how long in all."""

    alias: str
    seconds: float


def of(actor: Actor, collection: Collection) -> list[Holder]:
    """Return the holders of a portfolio's aliases, protected ones first; `latest` moves by itself and is left out.

    A fixed number of queries; at most `MOST`, of the first `_READ` by name.
    """
    check(actor, Act.VIEW, collection.project)
    held = Alias.objects.filter(collection=collection).exclude(name=LATEST).order_by("name")
    found = list(held.select_related("created_by")[:_READ])
    if not found:
        return []
    rules = protection.protected_among(collection.project, [alias.name for alias in found])
    shown = sorted(found, key=lambda alias: alias.name not in rules)[:MOST]
    places = Membership.objects.for_listing().in_bulk([alias.membership_id for alias in shown])
    moves = alias_history.last_of(collection, [alias.name for alias in shown])
    rows = Promotion.objects.filter(
        pk__in=[move.promotion_id for move in moves.values() if move.promotion_id]
    )
    promoted = rows.select_related("project__entity").in_bulk()
    return [
        Holder(
            alias.name,
            places[alias.membership_id],
            alias.created_at,
            alias.created_by.display_name if alias.created_by else "",
            promoted.get(_promotion(moves.get(alias.name))),
            rules.get(alias.name),
        )
        for alias in shown
        # One that moved on between the two reads is shown the next time.
        if alias.membership_id in places
    ]


def _promotion(move: AliasMove | None) -> int:
    return (move.promotion_id or 0) if move is not None else 0


def before(actor: Actor, collection: Collection, rows: Sequence[Membership]) -> dict[int, list[Tenure]]:
    """Say which aliases some versions held before and hold no more, by number, the last one first; two queries."""
    listed = alias_history.listing(actor, collection=collection)
    moves = listed.filter(number__in=[row.number for row in rows]).exclude(name=LATEST)
    lasted: dict[tuple[int, str], timedelta] = {}
    # With what the list adds to a move: when its alias moved on.
    told: list[Any] = list(moves.order_by("-at", "-pk")[:_MOVES])
    for move in told:
        if move.until is not None:
            key = (move.number, move.name)
            lasted[key] = lasted.get(key, timedelta()) + (move.until - move.at)
    held = {(row.number, name) for row in rows for name in row.held_aliases()}
    found: dict[int, list[Tenure]] = {}
    for (number, name), time in lasted.items():
        if (number, name) not in held:
            found.setdefault(number, []).append(Tenure(name, time.total_seconds()))
    return found

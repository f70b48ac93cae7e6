"""The history of aliases as a page tells it: which one went from which version to which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from registry.models import AliasMove, Collection, Membership, Promotion, Version
from registry.services import alias_history
from registry.services.aliases import LATEST
from registry.web.told import Story


@dataclass(frozen=True, slots=True)
class Move:
    """What an act did to some aliases: the numbers of the versions before and after, None where there was none."""

    story: Story
    names: list[str]
    before: int | None
    after: int | None
    # The numbers of the collection's versions that are not there any more, each with whether it can be restored.
    missing: Mapping[int, bool] = field(default_factory=dict)
    # Why it was done, and by which promotion, where the history says so.
    why: AliasMove | None = None
    promotion: Promotion | None = None

    @property
    def sides(self) -> list[Side]:
        """From where, and to where."""
        return [
            Side(number, number not in self.missing, self.missing.get(number or 0, False))
            for number in (self.before, self.after)
        ]


@dataclass(frozen=True, slots=True)
class Side:
    """A version that an alias left or came to, None for none; it is there, or deleted and perhaps restorable."""

    number: int | None
    is_there: bool
    is_restorable: bool


def of(collection: Collection, stories: Sequence[Story], alias: str = "") -> list[Move]:
    """Put stories of aliases into moves, by four queries.

    Where one alias is asked for, others that went with the same version are left out.
    """
    losers = {story.event.taken_from_id for story in stories if story.event.act == "version.log"}
    rows = Membership.objects.filter(collection=collection, version__in=losers - {None})
    numbers = dict(rows.values_list("version_id", "number"))
    moves = [_move(story, numbers) for story in stories]
    told = {number for move in moves for number in (move.before, move.after) if number is not None}
    missing, whys = missing_of(collection, told), _reasons(collection, moves)
    by = alias_history.promotions_of(whys.values())
    found = []
    for move in moves:
        why, names = whys.get(move.story.event.pk), [alias] if alias in move.names else move.names
        promotion = by.get(why.promotion_id or 0) if why else None
        found.append(replace(move, missing=missing, why=why, promotion=promotion, names=names))
    return found


def _reasons(collection: Collection, moves: Sequence[Move]) -> dict[int, AliasMove]:
    """Find the reasons of moves, by the ids of their events."""
    asked = {
        move.story.event.pk: (move.names[0], move.after, move.story.event.at)
        for move in moves
        if move.story.event.act.startswith("alias.")
    }
    rows = alias_history.reasons(collection, list(asked.values()))
    return {
        pk: row
        for pk, (name, number, at) in asked.items()
        for row in rows
        # The rows are in the order of time: the last one before the event is its own.
        if (row.name, row.number) == (name, number) and row.at <= at
    }


def missing_of(collection: Collection, numbers: set[int]) -> dict[int, bool]:
    """Return the numbers of versions that are not there any more, each with whether it can be restored."""
    rows = Membership.objects.filter(collection=collection, number__in=numbers)
    gone = rows.exclude(version__state=Version.State.COMMITTED)
    return {
        number: purged_at is None for number, purged_at in gone.values_list("number", "version__purged_at")
    }


def _move(story: Story, numbers: dict[int, int]) -> Move:
    event = story.event
    if event.act.startswith("alias."):
        return Move(story, [event.subject], _number(event.before), _number(event.after))
    own = _number(f"v{event.subject.rpartition(':v')[2]}")
    if event.act == "version.log":
        return Move(story, [LATEST], numbers.get(event.taken_from_id or 0), own)
    if event.act == "version.restore":
        return Move(story, _names(event.after), None, own)
    return Move(story, _names(event.before), own, None)


def _names(side: Any) -> list[str]:
    return list(side.get("aliases", [])) if isinstance(side, dict) else []


def _number(text: Any) -> int | None:
    digits = str(text or "").removeprefix("v")
    return int(digits) if digits.isascii() and digits.isdigit() else None

"""The history of aliases as a page tells it: which one went from which version to which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.models import Collection, Membership
from registry.services.aliases import LATEST
from registry.web.told import Story


@dataclass(frozen=True, slots=True)
class Move:
    """What an act did to some aliases: the numbers of the versions before and after, None where there was none."""

    story: Story
    names: list[str]
    before: int | None
    after: int | None


def of(collection: Collection, stories: Sequence[Story], alias: str = "") -> list[Move]:
    """Put stories of aliases into moves, by one query.

    Where one alias is asked for, others that went with the same version are left out.
    """
    losers = {story.event.taken_from_id for story in stories if story.event.act == "version.log"}
    rows = Membership.objects.filter(collection=collection, version__in=losers - {None})
    numbers = dict(rows.values_list("version_id", "number"))
    moves = [_move(story, numbers) for story in stories]
    if not alias:
        return moves
    return [
        Move(move.story, [alias] if alias in move.names else move.names, move.before, move.after)
        for move in moves
    ]


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

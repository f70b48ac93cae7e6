"""The picture of a collection's aliases, and who held them at the moment that the address asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from strongroom.core.dated import Dated, moment

from registry.actor import Actor
from registry.errors import InvalidReference
from registry.models import Alias, Collection
from registry.services import alias_history
from registry.web import moves, timeline
from registry.web.timeline import Timeline

# So many aliases one below the other, and so many moves of each, can be told apart.
_LANES, _MOVES = 6, 24


@dataclass(frozen=True, slots=True)
class Was:
    """Who held an alias then, and the reference that says so; `number` is None for nobody."""

    name: str
    number: int | None
    ref: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn, and the answer to `then`; `error` says what is wrong with that."""

    drawn: Timeline | None
    then: str
    was: list[Was]
    error: str = ""


def pictured(actor: Actor, here: Collection, present: Sequence[Alias], asked: str, then: str) -> Picture:
    """Draw the aliases that are held, the last set first, and those that moved last; or the one that is asked for."""
    newest_first = sorted(present, key=lambda alias: alias.created_at, reverse=True)
    known = [alias.name for alias in newest_first]
    names = [asked] if asked else alias_history.lanes(actor, here, known, most=_LANES)
    held = alias_history.spans(actor, here, names, each=_MOVES)
    gone = set(moves.missing_of(here, {span.number for spans in held.values() for span in spans}))
    now = timezone.now()
    try:
        past = _past(then)
    except InvalidReference as error:
        return Picture(timeline.draw(held, gone, now), then, [], str(error))
    at = min(past.at, now) if past else None
    was = alias_history.held_at(here, names, at) if at else {}
    told = [Was(name, was.get(name), f"{name}@{then}") for name in names] if at else []
    return Picture(timeline.draw(held, gone, now, at), then, told)


def _past(then: str) -> Dated | None:
    """Read the moment that is asked for; None where none is."""
    if not then:
        return None
    past = Dated("", moment(then), then)
    if past.is_future(timezone.now()):
        raise InvalidReference(f"{then} is yet to come. Choose a day that is over.")
    return past

"""What a team settled for the versions that inherit their time to live, and the bounds of the installation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from strongroom.core.ttl import Ttl

from registry.errors import InvalidInput, TtlOutOfBounds
from registry.models import Team

DAY = 86400
MOST_KEPT = 1000
_FARTHEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Rules:
    """`grace_until` is for what inherits the team's own default, all else for whatever is inherited."""

    spares_aliased: bool = True
    kept_newest: int = 0
    grace_until: datetime | None = None

    @classmethod
    def of(cls, team: Team) -> Rules:
        """Return what a team settled."""
        return cls(team.inherited_ttl_spares_aliased, team.kept_newest, team.ttl_grace_until)

    def kept(self, *, inherits: bool, linked: bool, aliased: bool, newest: bool) -> str | None:
        """Say why a version does not expire in spite of its time to live; None when nothing keeps it."""
        # Who holds a protected alias holds it in a registry, and is linked there.
        if linked:
            return "linked"
        if inherits and aliased and self.spares_aliased:
            return "alias"
        return "newest" if inherits and newest else None

    def expires_at(self, created_at: datetime, seconds: int, origin: str) -> datetime:
        """Say when a time to live is over."""
        at = created_at + timedelta(seconds=seconds)
        return max(at, self.grace_until) if origin == "team" and self.grace_until else at


NONE = Rules()


def of_entities(ids: Iterable[int]) -> dict[int, Rules]:
    """Return the rules of several entities by id; a person has none of their own."""
    return {team.entity_id: Rules.of(team) for team in Team.objects.filter(entity__in=list(ids))}


def check_bounds(ttl: Ttl) -> None:
    """Refuse a default outside of what the operator allows; never is always allowed."""
    least, most = settings.TTL_LEAST_DAYS, settings.TTL_MOST_DAYS
    if isinstance(ttl, str):
        return
    if ttl < least * DAY:
        raise TtlOutOfBounds(
            f"A default time to live of this installation is {_days(least)} or more; this is shorter. "
            f"Choose at least {_days(least)}, or never.",
            least_days=least,
        )
    if most and ttl > most * DAY:
        raise TtlOutOfBounds(
            f"A default time to live of this installation is {_days(most)} or less; this is longer. "
            f"Choose at most {_days(most)}, or never.",
            most_days=most,
        )


def check_kept_newest(number: int) -> int:
    """Return how many newest versions are kept, or refuse it."""
    if not 0 <= number <= MOST_KEPT:
        raise InvalidInput(
            f"From 0 to {MOST_KEPT:,} newest versions of each collection can be kept. Choose such a number.",
            field="kept_newest",
        )
    return number


def check_grace(until: datetime | None, now: datetime) -> datetime | None:
    """Return the grace date, or refuse one that nobody can mean."""
    if until is not None and until > now + _FARTHEST:
        raise InvalidInput(
            "The grace date is more than ten years away. Choose a nearer one, or a default of never.",
            field="ttl_grace_until",
        )
    return until


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number:,} days"

"""An alias as it was: `production@2026-05-01` names the version that held it at the end of that day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from strongroom.core.errors import InvalidReference
from strongroom.core.text import shown

# What stands after the last "@" and begins like a year is a moment; no alias ends so (`core.names`).
_DATED = re.compile(r"(?P<alias>.+)@(?P<when>[0-9]{4}-[0-9].*)", re.DOTALL)
_NUMBERED = re.compile(r"v[0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    rf"{_DAY.pattern}T[0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?"
)
_LAST_OF_DAY = time(23, 59, 59, 999999, tzinfo=UTC)
# Clocks and databases know more; nothing was ever logged then.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Dated:
    """An alias and a moment, in UTC; `when` as it was written, which of a day is its end."""

    alias: str
    at: datetime
    when: str

    def is_future(self, now: datetime) -> bool:
        """Say whether that is yet to come: of today, what is over counts."""
        if _DAY.fullmatch(self.when):
            return self.at.date() > now.astimezone(UTC).date()
        return self.at > now

    def __str__(self) -> str:
        return f"{self.alias}@{self.when}"


def is_dated(ref: str) -> bool:
    """Say whether a text reads as an alias and a date, well written or not."""
    return _DATED.fullmatch(ref) is not None


def dated(ref: str) -> Dated | None:
    """Read `alias@date`; None for any other text, InvalidReference for a date that is none."""
    matched = _DATED.fullmatch(ref)
    if matched is None:
        return None
    alias, when = matched["alias"], matched["when"]
    if _NUMBERED.fullmatch(alias):
        raise InvalidReference(f"{shown(alias)} is the same version on every date. Remove the date.")
    return Dated(alias, moment(when), when)


def moment(text: str) -> datetime:
    """Read a day, of which the end is meant, or a time, in UTC when it has no offset."""
    try:
        at = _read(text)
    except (ValueError, OverflowError):
        raise InvalidReference(
            f'"{shown(text)}" is no date. Write a day as 2026-05-01, or a time as 2026-05-01T12:00Z.'
        ) from None
    if not _FIRST <= at < _LAST:
        raise InvalidReference(f"{shown(text)} is outside of the years 1970 to 2999.")
    return at


def _read(text: str) -> datetime:
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), _LAST_OF_DAY)
    if not _TIME.fullmatch(text):
        raise ValueError("neither a day nor a time")
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)

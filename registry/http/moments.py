"""Points in time as doors are given them: ISO 8601 with an offset, within the years that every clock knows."""

from __future__ import annotations

from datetime import UTC, datetime

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3001, 1, 1, tzinfo=UTC)


def read(text: str) -> datetime:
    """Return the moment in UTC; ValueError when it is none, has no offset, or no database could add to it."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("without an offset")
    try:
        utc = at.astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the calendar") from None
    if not _FIRST <= utc < _LAST:
        raise ValueError("outside of 1970 to 3000")
    return utc


def write(at: datetime) -> str:
    """Spell a moment in UTC, as times come from the database, with `Z`."""
    return at.isoformat().replace("+00:00", "Z")

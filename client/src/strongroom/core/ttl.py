"""Time-to-live values: "inherit", "never", or a number of seconds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, TypeAlias

from strongroom.core.errors import InvalidTtl

Ttl: TypeAlias = Literal["inherit", "never"] | int

# A thousand years: far enough, and still a date that every database can hold.
LONGEST_SECONDS = 1000 * 365 * 24 * 3600


def parse_ttl(value: Any) -> Ttl:
    """Return a TTL from "inherit", "never", None (never), seconds, or a timedelta."""
    if value is None or value == "never":
        return "never"
    if value == "inherit":
        return "inherit"
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value in _INFINITE:
        raise InvalidTtl('A time-to-live is "inherit", "never", or a number of seconds above zero.')
    seconds = int(value)
    if seconds <= 0:
        raise InvalidTtl("A time-to-live must be longer than zero. To keep a version for ever, choose never.")
    if seconds > LONGEST_SECONDS:
        raise InvalidTtl(
            "A time-to-live of more than 1,000 years is too long. To keep a version for ever, choose never."
        )
    return seconds


_INFINITE = (float("inf"), float("-inf"))

"""Time-to-live values: "inherit", "never", or a number of seconds."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from strongroom.core.errors import InvalidTtl

Ttl: TypeAlias = Literal["inherit", "never"] | int

# A thousand years: far enough, and still a date that every database can hold.
LONGEST_SECONDS = 1000 * 365 * 24 * 3600


def parse_ttl(value: Any) -> Ttl:
    """Return a TTL from "inherit", "never", None (never), whole seconds, or a timedelta."""
    if value is None:
        return "never"
    if isinstance(value, str) and value in ("inherit", "never"):
        return "never" if value == "never" else "inherit"
    seconds = _seconds(value)
    if seconds <= 0:
        raise InvalidTtl("A time-to-live must be longer than zero. To keep a version for ever, choose never.")
    if seconds > LONGEST_SECONDS:
        raise InvalidTtl(
            "A time-to-live of more than 1,000 years is too long. To keep a version for ever, choose never."
        )
    return seconds


def _seconds(value: Any) -> int:
    if isinstance(value, timedelta):
        # Rounded up: half a second is short, but not none.
        return math.ceil(value / timedelta(seconds=1))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InvalidTtl('A time-to-live is "inherit", "never", or a whole number of seconds above zero.')

"""How the client writes what we keep in another form: times, JSON in strings, configurations, times to live."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from strongroom.core.names import parse_json

from registry.errors import InvalidInput

# What the client keeps for itself in a run's configuration and summary.
INTERNAL = "_wandb"
INHERIT, NEVER = -1, -2


def moment(at: datetime | None) -> str | None:
    """Write a time as the client reads it."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def text(value: Any) -> str:
    """Write JSON into a string."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parsed(given: str | None, *, noun: str) -> dict[str, Any]:
    """Read an object from a string of JSON; nothing is an empty one."""
    if not given:
        return {}
    found = parse_json(given)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidInput(f"{noun} is a JSON object, not {type(found).__name__}.")
    return found


def config_in(given: str | None) -> dict[str, Any]:
    """Read a run's configuration: each value stands in an object with its description."""
    found = parsed(given, noun="A configuration")
    return {
        key: value["value"] if isinstance(value, dict) and "value" in value else value
        for key, value in found.items()
        if key != INTERNAL
    }


def config_out(config: dict[str, Any]) -> str:
    """Write a run's configuration."""
    return text({key: {"value": value} for key, value in config.items()})


def summary_in(given: str | None) -> dict[str, Any]:
    """Read a run's summary; infinities, which JSON doesn't have, become null, for a metric may well diverge."""
    if not given:
        return {}
    try:
        found = parsed(given, noun="A summary")
    except InvalidInput:
        found = parsed(_finite(given), noun="A summary")
    return {key: value for key, value in found.items() if key != INTERNAL}


def _finite(given: str) -> str:
    try:
        return json.dumps(json.loads(given, parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        raise InvalidInput("The summary is not JSON.") from None


def ttl_in(seconds: int | None) -> str | int:
    """Read a time to live: the client has a number for each of "inherit" and "never"."""
    if seconds is None or seconds == INHERIT:
        return "inherit"
    return "never" if seconds == NEVER else seconds

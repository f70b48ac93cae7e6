"""Lost updates: what somebody saw of a thing before they changed it, and whether it is still that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from registry.errors import ChangedMeanwhile

# Field → the mark of what was seen there. A field without one is changed whatever it is.
Seen: TypeAlias = Mapping[str, str]

_NOUNS = {
    "description": "card",
    "ttl": "time to live",
    "ttl_editors": "rule of who changes the time to live",
    "inherited_ttl_spares_aliased": "rule of what is kept",
    "kept_newest": "number of newest versions that are kept",
    "ttl_grace_until": "grace date",
}
_PLURAL = ("tags", "aliases")
_LONGEST = 200
_DAY = 86400


def mark(value: Any) -> str:
    """Return a short text that is the same for equal values only; lists, which are of names, have no order."""
    plain = sorted(value, key=_written) if isinstance(value, list) else value
    return hashlib.sha256(_written(plain).encode()).hexdigest()


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def written(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as events and marks have them: a moment is text, in UTC."""
    return {
        name: value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime)
        else value
        for name, value in values.items()
    }


def marks(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the marks of several fields."""
    return {field: mark(value) for field, value in values.items()}


def refuse_changed(
    seen: Seen, now: Mapping[str, Any], wanted: Mapping[str, Any], nouns: Mapping[str, str] | None = None
) -> None:
    """Raise ChangedMeanwhile for a field that is neither what was seen nor what is wanted; call it under the lock."""
    for field, value in wanted.items():
        present = mark(now[field])
        if field in seen and present not in (seen[field], mark(value)):
            noun = (nouns or {}).get(field) or _NOUNS.get(field, field)
            raise ChangedMeanwhile(_sentence(noun, field, now[field]), field=field, now=now[field])


def _sentence(noun: str, field: str, now: Any) -> str:
    they, are = ("they", "are") if field in _PLURAL else ("it", "is")
    short = _short(field, now)
    said = f": {they} {are} {short} now" if short else ""
    return (
        f"Somebody else changed the {noun} meanwhile{said}. Nothing of yours was saved. "
        f"Save again to replace theirs with yours."
    )


def _short(field: str, value: Any) -> str:
    """Say a value where a sentence has room for it."""
    if field == "ttl" and isinstance(value, int):
        return f"{value / _DAY:g} days"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        value = ", ".join(sorted(value)) or "none"
    text = value if isinstance(value, str) else ""
    if len(text) > _LONGEST or "\n" in text:
        return ""
    # A sentence within the sentence.
    return f"“{text}”" if field == "description" else text

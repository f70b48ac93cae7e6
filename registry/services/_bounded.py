"""What an event keeps of large values: enough to see what changed, never one more copy of a card."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# Of one field, as JSON: cards and metadata may have megabytes, and events are never deleted.
LARGEST = 16 * 1024
_ABSENT = object()


def bounded(before: Any, after: Any) -> tuple[Any, Any]:
    """Return a before and an after whose large texts and objects are told by digest and size.

    Of a large object the keys that changed are kept besides, unless they are large themselves.
    """
    if not isinstance(before, dict) or not isinstance(after, dict):
        return before, after
    was, now = dict(before), dict(after)
    for name in was.keys() & now.keys():
        was[name], now[name] = _pair(was[name], now[name])
    return was, now


def _pair(was: Any, now: Any) -> tuple[Any, Any]:
    if _is_small(was) and _is_small(now):
        return was, now
    if not isinstance(was, dict) or not isinstance(now, dict):
        return _text(was), _text(now)
    changed = {key for key in {**was, **now} if was.get(key, _ABSENT) != now.get(key, _ABSENT)}
    return _object(was, changed), _object(now, changed)


def _text(value: Any) -> Any:
    return value if _is_small(value) else _mark(value)


def _object(value: dict[str, Any], changed: set[str]) -> dict[str, Any]:
    mine = {key: each for key, each in value.items() if key in changed}
    return _mark(value) | ({"changed": mine} if _is_small(mine) else {})


def _mark(value: Any) -> dict[str, Any]:
    raw = _bytes(value)
    return {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}


def _is_small(value: Any) -> bool:
    # Lists are of aliases and tags, which replaying needs; the rest is words and numbers.
    return not isinstance(value, str | dict) or len(_bytes(value)) <= LARGEST


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")

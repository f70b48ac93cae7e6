"""JSON from strangers: parsed within limits of size, depth and numbers, and metadata made plain of it."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from strongroom.core.errors import InvalidInput, InvalidMetadata
from strongroom.core.text import is_storable, shown

METADATA_KEYS = 100
MAX_DEPTH = 100
MAX_DIGITS = 1000
MAX_JSON = 8 * 1024 * 1024
_TOO_LARGE = 10**MAX_DIGITS
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str | bytes, *, max_bytes: int = MAX_JSON) -> Any:
    """Parse JSON within limits; NaN becomes null, Infinity and repeated keys are refused."""
    if len(text) > max_bytes:
        raise InvalidInput(f"This JSON is larger than {max_bytes} bytes. Send less at a time.")
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        else:
            text.encode("utf-8")
        value = _decode(text)
        if _ESCAPED_SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise InvalidInput("This is not JSON: it is not UTF-8, or holds half a surrogate pair.") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as wrong:
        raise InvalidInput(
            f"This is not JSON: {wrong.msg} in line {wrong.lineno}, column {wrong.colno}.",
            line=wrong.lineno,
            column=wrong.colno,
        ) from None
    check_depth(value)
    return value


def _decode(text: str) -> Any:
    return json.loads(
        text,
        parse_constant=parse_constant,
        parse_float=parse_float,
        parse_int=parse_int,
        object_pairs_hook=parse_object,
    )


def _too_deep() -> InvalidInput:
    return InvalidInput(f"This JSON is nested more than {MAX_DEPTH} levels deep. Flatten it.")


def check_depth(value: Any) -> None:
    """Refuse data that is nested too deep, going down a level at a time and never by recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            below
            for item in level
            if isinstance(item, (dict, list))
            for below in (item.values() if isinstance(item, dict) else item)
            if isinstance(below, (dict, list))
        ]
        if not level:
            return
    raise _too_deep()


def parse_constant(word: str) -> None:
    """Take NaN as null; refuse Infinity, which JSON doesn't have."""
    if word != "NaN":
        raise InvalidInput(f"{word} is not a JSON number. Use null or text.")


def parse_float(digits: str) -> float:
    """Read a number with a point or an exponent; `1e400` is Infinity to a computer."""
    if len(digits) > MAX_DIGITS:
        _too_many(digits)
    value = float(digits)
    if math.isinf(value):
        raise InvalidInput(f"The number {digits[:40]} is infinite for a computer. Use null or text.")
    return value


def parse_int(digits: str) -> int:
    """Read a whole number."""
    if len(digits) > MAX_DIGITS:
        _too_many(digits)
    return int(digits)


def _too_many(digits: str) -> NoReturn:
    raise InvalidInput(f"A number of {len(digits)} digits is too long. Store it as text.")


def parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs; readers differ in which of two equal keys they take, so none is."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise InvalidInput(
                    f'The key "{shown(key)}" stands twice in one JSON object. Keep one of them.'
                )
            seen.add(key)
    return found


def check_metadata(value: Any, max_keys: int | None = METADATA_KEYS) -> dict[str, Any]:
    """Return metadata as plain JSON data: a copy, NaN as null, infinities and odd types refused."""
    if not isinstance(value, dict):
        raise InvalidMetadata(f"Metadata is a dictionary of key-value pairs, not {type(value).__name__}.")
    if max_keys is not None and len(value) > max_keys:
        raise InvalidMetadata(
            f"Metadata takes at most {max_keys} top-level keys; this has {len(value)}. Nest some of them.",
            keys=len(value),
        )
    cleaned = _clean_dict(value, 0, "metadata")
    if len(json.dumps(cleaned, ensure_ascii=False).encode()) > MAX_JSON:
        raise InvalidMetadata("Metadata takes at most 8 MiB. Log large data as a file.")
    return cleaned


def _clean(value: Any, depth: int, where: str) -> Any:
    if depth > MAX_DEPTH:
        raise InvalidMetadata(f"{where} is nested more than {MAX_DEPTH} levels deep. Flatten it.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean_text(value, where)
    if isinstance(value, (int, float)):
        return _clean_number(value, where)
    if isinstance(value, dict):
        return _clean_dict(value, depth, where)
    if isinstance(value, (list, tuple)):
        return [_clean(below, depth + 1, _step(where, f"[{i}]")) for i, below in enumerate(value)]
    return _clean_foreign(value, depth, where)


def _clean_number(value: int | float, where: str) -> int | float | None:
    if isinstance(value, int):
        if not -_TOO_LARGE < value < _TOO_LARGE:
            raise InvalidMetadata(f"{where} is a number of too many digits. Store it as text.")
        return int(value)
    if math.isinf(value):
        raise InvalidMetadata(f"{where} is infinite, which JSON can't hold. Use null or text.")
    return None if math.isnan(value) else float(value)


def _clean_dict(value: dict[Any, Any], depth: int, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, below in value.items():
        name = _clean_key(key, where)
        if name in found:
            raise InvalidMetadata(
                f'{where} has the key "{shown(name)}" twice, as text and as number. Rename one.'
            )
        found[name] = _clean(below, depth + 1, _step(where, f".{name[:100]}"))
    return found


def _step(where: str, step: str) -> str:
    # Cut, for a long key above many values must not be copied for each of them.
    return (where + step)[:200]


def _clean_foreign(value: Any, depth: int, where: str) -> Any:
    """Take numbers and arrays of numeric libraries by what they offer, without importing any."""
    if hasattr(value, "tolist"):
        return _clean(value.tolist(), depth + 1, where)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise InvalidMetadata(
        f"{where} is of type {type(value).__name__}, which JSON can't hold. Convert it first."
    )


def _clean_key(key: Any, where: str) -> str:
    if isinstance(key, str):
        return _clean_text(key, where)
    if isinstance(key, int) and not isinstance(key, bool):
        key = _clean_number(key, where)
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise InvalidMetadata(f"{where} has a key of type {type(key).__name__}. Keys are texts.")


def _clean_text(text: str, where: str) -> str:
    if not is_storable(text):
        raise InvalidMetadata(f"{where} holds a NUL character or a lone surrogate. Remove it.")
    return str.__str__(text)

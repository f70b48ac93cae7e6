"""The part of some metadata that a search asks for."""

from __future__ import annotations

from typing import Any

from registry.web.templatetags.words import short_json


def matching(value: dict[str, Any] | list[Any], words: str) -> dict[str, Any]:
    """Return what has the words in a key or in a value, without case.

    A key that has them keeps all that is in it. Items of a list keep their numbers, as keys.
    """
    folded, kept = words.casefold(), {}
    for key, inside in value.items() if isinstance(value, dict) else enumerate(value):
        if folded in str(key).casefold():
            kept[str(key)] = inside
        elif isinstance(inside, dict | list):
            if found := matching(inside, words):
                kept[str(key)] = found
        elif folded in short_json(inside).casefold():
            kept[str(key)] = inside
    return kept

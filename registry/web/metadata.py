"""The part of some metadata that a search asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from registry.web.templatetags.words import short_json

# Metadata may have millions of values: so many are looked at, and so many that match are shown.
LOOKED_AT, SHOWN = 100_000, 500


@dataclass(slots=True)
class Search:
    """Finds the words in keys and values, without case; `is_whole` once all of the metadata was looked at."""

    words: str
    looked_at: int = 0
    shown: int = 0

    @property
    def is_whole(self) -> bool:
        return self.looked_at < LOOKED_AT and self.shown < SHOWN

    def matching(self, value: dict[str, Any] | list[Any]) -> dict[str, Any]:
        """Return what has the words in a key or in a value.

        A key that has them keeps all that is in it. Items of a list keep their numbers, as keys.
        """
        folded, kept = self.words.casefold(), {}
        for key, inside in value.items() if isinstance(value, dict) else enumerate(value):
            if not self.is_whole:
                break
            self.looked_at += 1
            if folded in str(key).casefold():
                kept[str(key)] = inside
                self.shown += 1
            elif isinstance(inside, dict | list):
                if found := self.matching(inside):
                    kept[str(key)] = found
            elif folded in short_json(inside).casefold():
                kept[str(key)] = inside
                self.shown += 1
        return kept

"""What the opcode reader knows of the objects that a pickle would make: names, and texts that may become names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

# All objects of which nothing needs to be known.
OTHER = None
_NAME = re.compile(r"[\w.<>|?=]{1,255}")
# What any text is that cannot be a name, or is one too many to be remembered.
NO_NAME = ""
_MOST_REMEMBERED, _MOST_CONTAINERS = 1_000_000, 100_000


@dataclass(frozen=True, slots=True)
class Global:
    """Something that the pickle names, and that is imported when it is loaded."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True)
class Made:
    """An object that a call of something named has made, with what it was given where somebody asks."""

    of: Global
    given: Any = OTHER
    state: Any = OTHER


def text(raw: bytes) -> str:
    """Return a text if it may be a name; else what is none."""
    if len(raw) > 255:
        return NO_NAME
    found = raw.decode("utf-8", "replace")
    return found if _NAME.fullmatch(found) else NO_NAME


@dataclass(slots=True)
class Memo:
    """What a pickle remembers. Only names and what is named are kept; of all else that it was put there.

    `MEMOIZE` uses the number of entries as the next index, however they came to be: it is counted as loaders count it.
    """

    _kept: dict[int, Any] = field(default_factory=dict)
    _filled: int = 0
    _beyond: set[int] = field(default_factory=set)
    _containers: int = 0
    overflowed: bool = False

    def put(self, index: int, value: Any) -> None:
        """Remember a value."""
        self._count(index)
        if isinstance(value, (tuple, dict)):
            self._containers += 1
        if value is OTHER or (isinstance(value, (tuple, dict)) and self._containers > _MOST_CONTAINERS):
            self._kept.pop(index, None)
        elif len(self._kept) < _MOST_REMEMBERED or index in self._kept:
            self._kept[index] = value
        else:
            # What is got back from here is a name that nobody knows.
            self.overflowed = True

    def add(self, value: Any) -> None:
        """Remember a value under the next index."""
        if not self._beyond and value is OTHER:
            # Nearly all that is remembered is this.
            self._filled += 1
            return
        self.put(self._filled + len(self._beyond), value)

    def get(self, index: int) -> Any:
        """Return what is remembered."""
        return self._kept.get(index, NO_NAME if self.overflowed else OTHER)

    def _count(self, index: int) -> None:
        if index < self._filled:
            return
        if index != self._filled:
            if len(self._beyond) < _MOST_REMEMBERED:
                self._beyond.add(index)
            else:
                self.overflowed = True
            return
        self._filled += 1
        while self._filled in self._beyond:
            self._beyond.remove(self._filled)
            self._filled += 1

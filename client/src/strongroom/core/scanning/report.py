"""What a scan found: what can run code, what could not be looked into, and in which formats the files are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from strongroom.core.text import shown

CAN_RUN_CODE, NOT_EXAMINED, LOOKS_INERT = "can run code", "not examined", "looks inert"
# So many distinct findings of one file are kept; beyond it there is nothing more to learn.
MOST = 200
# Between a file and what lies within it.
WITHIN = " ▸ "


@dataclass(slots=True)
class Danger:
    """Something that would run, or be imported, when the file is loaded: by name, with the first place it stands."""

    place: str
    offset: int
    name: str
    said: str
    count: int = 1

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept and shown."""
        return {
            "place": self.place,
            "offset": self.offset,
            "name": self.name,
            "why": self.said,
            "count": self.count,
        }


@dataclass(slots=True)
class Unread:
    """A place that may hold code and could not be looked into, and why."""

    place: str
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept and shown."""
        return {"place": self.place, "why": self.why}


@dataclass(slots=True)
class Report:
    """What was found in one file and all that lies within it."""

    dangers: dict[tuple[str, str], Danger] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    # How many pickles were read to their end.
    pickles: int = 0

    @property
    def verdict(self) -> str:
        """Return what all this comes to; a file that was not wholly looked into is never called inert."""
        if self.dangers:
            return CAN_RUN_CODE
        return NOT_EXAMINED if self.unread else LOOKS_INERT

    def danger(self, place: str, offset: int, name: str, said: str) -> None:
        """Note something that can run code."""
        found = self.dangers.get((place, name))
        if found is not None:
            found.count += 1
        elif len(self.dangers) < MOST:
            self.dangers[place, name] = Danger(place, offset, shown(name), said)

    def take(self, other: Report) -> None:
        """Take over what another report found of dangers."""
        for key, danger in other.dangers.items():
            found = self.dangers.get(key)
            if found is not None:
                found.count += danger.count
            elif len(self.dangers) < MOST:
                self.dangers[key] = danger

    def unreadable(self, place: str, why: str) -> None:
        """Note something that could not be looked into."""
        if len(self.unread) < MOST and all(one.place != place or one.why != why for one in self.unread):
            self.unread.append(Unread(place, why))


def within(place: str, name: str) -> str:
    """Return the place of something within a file."""
    return f"{place}{WITHIN}{shown(name)}"

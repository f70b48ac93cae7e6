"""What every built-in check is made of: the case it judges, what it finds, and how it takes its time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.models import Membership, VersionCheck

State = VersionCheck.State
# How many places or names a result keeps; the sentence counts all.
MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Case:
    """A version at its place in a registry; for a promotion also who holds the alias, and what its rule says."""

    membership: Membership
    holder: Membership | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def setting(self, name: str) -> Mapping[str, Any]:
        """Return what the rule says to a check of this name; nothing, when it says nothing that can be read."""
        found = self.settings.get(name)
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Finding:
    """How a check ended: a sentence, and what it is about."""

    state: State
    text: str
    details: dict[str, Any] = field(default_factory=dict)


class Pace:
    """How a long check takes its time: until when, where it stands, and that it is still alive."""

    def __init__(
        self,
        position: dict[str, Any] | None = None,
        *,
        note: Callable[[dict[str, Any], bool], None] | None = None,
        beat: Callable[[], None] | None = None,
        is_spent: Callable[[], bool] | None = None,
    ) -> None:
        self.position = dict(position or {})
        self._note, self._beat, self._is_spent = note, beat, is_spent

    def note(self, *, now: bool = False) -> None:
        """Keep the position, now and then or at once: whoever takes the check up again goes on from there."""
        if self._note is not None:
            self._note(self.position, now)

    def beat(self) -> None:
        """Give a sign of life; call it while bytes are read."""
        if self._beat is not None:
            self._beat()

    def is_spent(self) -> bool:
        """Say whether others are to have their turn."""
        return self._is_spent is not None and self._is_spent()


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A check that the server makes.

    `evidence` returns all that the result depends on, in a few queries and as JSON: a result of other evidence is old.
    `run` returns None when it isn't done: then the pace knows where it stands.
    """

    name: str
    title: str
    evidence: Callable[[Case], Any]
    run: Callable[[Case, Pace], Finding | None]
    # It depends on the rule of an alias, or on who holds it.
    of_promotion: bool = False
    # What the rule of an alias makes of what was found of the version.
    judge: Callable[[Case, Finding], Finding] | None = None


def digest(evidence: Any) -> str:
    """Return the SHA-256 of evidence, the same for the same values."""
    text = json.dumps(evidence, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def counted(count: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def named(names: list[str], most: int = 5) -> str:
    """Write the first few of some names, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown

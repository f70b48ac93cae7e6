"""What the address narrows a list to, and the choices that its page offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.http import HttpRequest

_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that a list can be narrowed by: its name in the address, and what can be chosen."""

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The words to look for, and what was chosen."""

    q: str = ""
    chosen: dict[str, str] = field(default_factory=dict)

    @property
    def any(self) -> bool:
        """Tell whether the list is narrowed at all."""
        return bool(self.q or self.chosen)

    def given(self) -> dict[str, str]:
        """Return what a service is handed: nothing that was not asked for."""
        return {**({"q": self.q} if self.q else {}), **self.chosen}


def of(
    request: HttpRequest, choices: Mapping[str, tuple[str, Iterable[tuple[str, str]]]] | None = None
) -> tuple[Asked, list[Choice]]:
    """Read the address; a value that is none of the choices counts as not given."""
    chosen, offered = {}, []
    for name, (label, options) in (choices or {}).items():
        listed = list(options)
        value = request.GET.get(name, "")
        if value in dict(listed):
            chosen[name] = value
        offered.append(Choice(name, label, listed, chosen.get(name, "")))
    return Asked(request.GET.get("q", "").strip()[:_LONGEST], chosen), offered

"""What every service module needs: the sentinel for "not given", and the clock."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

from django.db.models import Model
from django.utils import timezone

from registry.errors import HasAliases


class _Keep(Enum):
    KEEP = "keep"


KEEP: Final = _Keep.KEEP
Keep: TypeAlias = Literal[_Keep.KEEP]


def spelled(name: str) -> str:
    """Return an alias or tag that is looked for in the form in which they are kept (NFC)."""
    return unicodedata.normalize("NFC", name)


def changes(row: Model, wanted: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of the wanted values is new to a row, before and after: two dictionaries of the same fields."""
    before = {field: getattr(row, field) for field, value in wanted.items() if getattr(row, field) != value}
    return before, {field: wanted[field] for field in before}


def now() -> datetime:
    """Return the time, in UTC."""
    return timezone.now()


def still_held(name: str, held: list[str]) -> HasAliases:
    """Return the refusal to delete what holds aliases, in words that are right at every door."""
    return HasAliases(
        f"{name} holds the aliases {', '.join(held)}. "
        "Move them first, or confirm that they go too (delete_aliases).",
        aliases=held,
    )

"""What every service module needs: the sentinel for "not given", and the clock."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection
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
# All, none, or those that the person saw.
DeleteAliases: TypeAlias = bool | Collection[str]


def spelled(name: str) -> str:
    """Return an alias or tag that is looked for in the form in which they are kept (NFC)."""
    return unicodedata.normalize("NFC", name)


def pieces(q: str) -> list[str]:
    """Cut a search of names at all that is neither letter nor digit; whole, when it is nothing else."""
    whole = spelled(q)
    return [word for word in re.split(r"[\W_]+", whole) if word] or [whole]


def changes(row: Model, wanted: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of the wanted values is new to a row, before and after: two dictionaries of the same fields."""
    before = {
        field: getattr(row, field)
        for field, value in wanted.items()
        if not _is_same(getattr(row, field), value)
    }
    return before, {field: wanted[field] for field in before}


def _is_same(one: Any, other: Any) -> bool:
    """Compare two values as JSON does: 1, 1.0 and True are equal to Python, and not to who saves them."""
    if one != other or not isinstance(one, dict):
        return bool(one == other)
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def now() -> datetime:
    """Return the time, in UTC."""
    return timezone.now()


def refuse_held(name: str, held: list[str], delete_aliases: DeleteAliases) -> None:
    """Raise HasAliases when what is about to go holds aliases, unless told to delete them too: all, or those named.

    Who confirms names what they saw: an alias that came since was not meant.
    """
    if delete_aliases is True:
        return
    seen = set(delete_aliases or ())
    left = [alias for alias in held if alias not in seen]
    if left:
        also, by_now = ("also ", " by now") if seen else ("", "")
        what, it, goes = ("aliases", "them", "they go") if len(left) > 1 else ("alias", "it", "it goes")
        raise HasAliases(
            f"{name} {also}holds the {what} {', '.join(left)}{by_now}. "
            f"Move {it} first, or confirm that {goes} too.",
            aliases=left,
        )


def size_in_words(count: int) -> str:
    """Write a number of bytes for a sentence; how pages write it is theirs."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.3g} {unit}"

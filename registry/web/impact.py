"""What a page shows of what a policy will delete."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from strongroom.core.ttl import Ttl

from registry.models import Collection
from registry.services.confirming import Shown
from registry.services.previews import OfCollection
from registry.web import weeks

_COLLECTIONS = 10
_REASONS = {"linked": "linked", "alias": "with an alias", "newest": "among the newest", "never": "never"}


@dataclass(frozen=True, slots=True)
class Row:
    """A collection of the table."""

    collection: Collection
    of: OfCollection
    freed: int | None

    @property
    def kept(self) -> str:
        """What is kept of it, in words."""
        return reasons(self.of.kept) or "none"


def reasons(kept: Counter[str]) -> str:
    """Say what keeps versions: 31 linked, 41 with an alias."""
    return ", ".join(f"{kept[name]:,} {words}" for name, words in _REASONS.items() if kept[name])


def context(shown: Shown, query: dict[str, Any]) -> dict[str, Any]:
    """Return what the panel shows; `query` are the settings, for the addresses of the list and the file."""
    found = shown.preview
    largest = sorted(found.collections.values(), key=lambda each: (-each.expire, -each.kept.total(), each.pk))
    top = largest[:_COLLECTIONS]
    rows = Collection.objects.filter(pk__in=[each.pk for each in top]).select_related(
        "type", "project__entity"
    )
    places = {row.pk: row for row in rows}
    freed = shown.freed
    return {
        "found": found,
        "freed": freed,
        "shared": found.size - freed.size if freed else None,
        "rows": [
            Row(places[each.pk], each, freed.collections[each.pk] if freed else None)
            for each in top
            if each.pk in places
        ],
        "kept": found.kept.total(),
        "kept_words": reasons(found.kept),
        "chart": weeks.chart(found),
        "token": shown.token,
        "was": words_of(found.now_set),
        "becomes": words_of(found.plan.ttl),
        "impact_query": urlencode(query),
    }


def words_of(ttl: Ttl) -> str:
    """Say a default in two words."""
    if isinstance(ttl, int):
        days = ttl / 86400
        return "1 day" if days == 1 else f"{days:,.6g} days"
    return "never"

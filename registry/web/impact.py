"""What a page shows of what a policy will delete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from strongroom.core.ttl import Ttl

from registry.models import Collection, Entity, Team
from registry.services.confirming import Shown
from registry.services.previews import OfCollection
from registry.web import weeks
from registry.web.forms.policies import TEAM_RULES, DefaultForm

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


@dataclass(frozen=True, slots=True)
class Rule:
    """A setting that saving would change, in words."""

    label: str
    was: str
    becomes: str


_RULES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "ttl": ("Default time to live", lambda ttl: words_of(ttl)),
    "ttl_editors": (
        "Who may change the time to live of a version",
        lambda who: str(Team.TtlEditors(who).label),
    ),
    "inherited_ttl_spares_aliased": (
        "Versions that hold an alias other than latest",
        lambda spared: "kept" if spared else "expire like others",
    ),
    "kept_newest": (
        "Newest versions of each collection that are kept",
        lambda count: f"{count:,}" if count else "none",
    ),
    "ttl_grace_until": ("Nothing expires before", lambda until: _moment(until) if until else "no grace date"),
}


def changes(entity: Entity, form: DefaultForm) -> list[Rule]:
    """Say what saving a form would change, each setting before and after."""
    wanted = form.given() if form.is_valid() else {}
    now = {"ttl": form.now}
    if entity.kind == Entity.Kind.TEAM:
        now |= {name: getattr(entity.team, name) for name in TEAM_RULES}
    both = [(*_RULES[name], now[name], wanted[name]) for name in _RULES if name in wanted]
    rules = [Rule(label, said(before), said(after)) for label, said, before, after in both]
    return [rule for rule in rules if rule.was != rule.becomes]


def _moment(at: datetime) -> str:
    """Say a moment in UTC, as the form that sets it does, whatever zone the reader is in."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def words_of(ttl: Ttl) -> str:
    """Say a default in two words."""
    if isinstance(ttl, int):
        days = ttl / 86400
        return "1 day" if days == 1 else f"{days:,.6g} days"
    return "never"

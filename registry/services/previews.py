"""What a policy will delete, said before it is set: how many versions, when, and what keeps the others."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef
from strongroom.core.ttl import Ttl, parse_ttl

from registry.actor import Actor
from registry.models import Alias, Collection, Entity, Membership, Project, Version
from registry.models.versions import MembershipQuerySet
from registry.policy import Act, check
from registry.services import expected, ttl_rules, ttls
from registry.services._common import now
from registry.services.expected import Counting, Fate, Place, Policies
from registry.services.ttl_rules import Rules

WEEK = timedelta(days=7)
REASONS = ("linked", "alias", "newest", "never")


@dataclass(frozen=True, slots=True)
class Plan:
    """What somebody would like to set at a place; the rules are those of the team that owns it."""

    place: Place
    ttl: Ttl
    rules: Rules

    @property
    def entity(self) -> Entity:
        """Whose versions these are."""
        return entity_of(self.place)

    @property
    def below(self) -> Project | Collection | None:
        """The place, where it is a part of the entity."""
        return None if isinstance(self.place, Entity) else self.place


class Week(NamedTuple):
    """How many versions expire within seven days from a day on, and how many of them on the grace date."""

    start: datetime
    versions: int
    backlog: int


@dataclass(slots=True)
class OfCollection:
    """What a plan does to one collection. `name` and `freed` are filled in by who shows them."""

    pk: int
    expire: int = 0
    size: int = 0
    first: datetime | None = None
    last: datetime | None = None
    kept: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Preview:
    """What a plan does. `backlog` expires at once, or on the grace date where that is yet to come; `later` after.

    `already` is how many of all expire by the same day under what is set now, too.
    """

    plan: Plan
    now_set: Ttl
    at: datetime
    first: datetime | None = None
    last: datetime | None = None
    backlog: int = 0
    later: int = 0
    size: int = 0
    already: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    collections: dict[int, OfCollection] = field(default_factory=dict)
    days: Counter[int] = field(default_factory=Counter)
    digest: str = ""
    newest: int = 0
    # Whose policy counts then: the grace date is for what inherits the team's own alone.
    origin: str = "none"

    @property
    def expire(self) -> int:
        """How many versions expire by it, sooner or later."""
        return self.backlog + self.later

    @property
    def grace(self) -> datetime | None:
        """The day on which the backlog expires, where that is not at once."""
        until = self.plan.rules.grace_until
        return until if until and until > self.at and self.origin == "team" else None

    @property
    def backlog_at(self) -> datetime:
        """When the backlog expires."""
        return self.grace or self.at

    def weeks(self) -> list[Week]:
        """Count by weeks from today on, up to the last that has any."""
        start = self.at.replace(hour=0, minute=0, second=0, microsecond=0)
        on_grace = (self.backlog_at - start).days
        last = max((*self.days, on_grace if self.backlog else 0), default=0) // 7
        counts = Counter(dict.fromkeys(range(last + 1), 0))
        for day, versions in self.days.items():
            counts[day // 7] += versions
        counts[on_grace // 7] += self.backlog
        return [
            Week(start + week * WEEK, versions, self.backlog if week == on_grace // 7 else 0)
            for week, versions in sorted(counts.items())
        ]

    def figures(self) -> dict[str, Any]:
        """Return what an event keeps of it."""
        return {
            "versions": self.expire,
            "on_grace_date": self.backlog,
            "size": self.size,
            "kept": dict(sorted(self.kept.items())),
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "counted_at": self.at.isoformat(),
        }


def entity_of(place: Place) -> Entity:
    """Return whose versions a place holds."""
    if isinstance(place, Collection):
        return place.project.entity
    return place.entity if isinstance(place, Project) else place


def plan(
    actor: Actor, *, place: Place, ttl: str | int | None, rules: Mapping[str, Any] | None = None
) -> Plan:
    """Return a plan that could be set, with other rules than those that count where some are given."""
    check(actor, Act.SET_POLICY, place.project if isinstance(place, Collection) else place)
    wanted = parse_ttl(ttl)
    if wanted != Policies.of(entity_of(place)).at(place):
        ttl_rules.check_bounds(wanted)
    held = expected.rules_of(entity_of(place))
    given: dict[str, Any] = {"spares_aliased": held.spares_aliased, "kept_newest": held.kept_newest}
    given |= {"grace_until": held.grace_until, **(rules or {})}
    ttl_rules.check_kept_newest(given["kept_newest"])
    ttl_rules.check_grace(given["grace_until"], now())
    return Plan(place, wanted, Rules(**given))


def listing(wanted: Plan, *, q: str | None = None) -> MembershipQuerySet:
    """List the versions that expire by a plan; `q` is looked for in the names of collections, without case."""
    seconds, _ = counting(wanted)
    rows = Membership.objects.committed().sources().filter(version__ttl_kind=Version.Ttl.INHERIT)
    if isinstance(wanted.place, Collection):
        rows = rows.filter(collection=wanted.place)
    elif isinstance(wanted.place, Project):
        rows = rows.filter(collection__project=wanted.place, collection__ttl_policy=None)
    else:
        rows = rows.filter(collection__project__entity=wanted.place, collection__project__ttl_policy=None)
        rows = rows.filter(collection__ttl_policy=None)
    if seconds is None:
        return rows.none()
    links = Membership.objects.registered().filter(version=OuterRef("version"))
    rows = rows.exclude(Exists(links))
    if wanted.rules.spares_aliased:
        aliased = Alias.objects.filter(membership__version=OuterRef("version")).exclude(name="latest")
        rows = rows.exclude(Exists(aliased))
    if wanted.rules.kept_newest:
        rows = ttls.newest(rows, wanted.rules.kept_newest, beyond=True)
    return rows.filter(collection__name__icontains=q) if q else rows


def counting(wanted: Plan) -> tuple[int | None, str]:
    """Return how long the versions that a plan governs live then, and from where."""
    found = _counting(wanted, Policies.of(wanted.entity).instead(wanted.place, wanted.ttl))
    return found.seconds, found.origin


def _counting(wanted: Plan, policies: Policies) -> Counting:
    place = wanted.place
    project = (
        place.project_id if isinstance(place, Collection) else place.pk if isinstance(place, Project) else 0
    )
    collection = place.pk if isinstance(place, Collection) else 0
    return policies.counting(place, wanted.entity.pk, project, collection)


def of(wanted: Plan, at: datetime | None = None) -> Preview:
    """Say what a plan does; a fixed number of queries, however many versions there are."""
    return told(wanted, expected.stock(wanted.entity, wanted.below), at or now())


def told(wanted: Plan, stock: expected.Stock, at: datetime, *, until: int | None = None) -> Preview:
    """The same of what was read; the digest is of the versions up to `until`, by their places' ids."""
    policies = Policies.of(wanted.entity)
    found = Preview(wanted, policies.at(wanted.place), at)
    set_then = policies.instead(wanted.place, wanted.ttl)
    counts = _counting(wanted, set_then)
    found.origin = counts.origin
    with expected.uncollected():
        fates = list(stock.fates(wanted.place, set_then, wanted.rules))
        dues = _count(found, fates)
    found.newest = max((held.pk for held in stock.versions), default=0) if until is None else until
    found.digest = _digest(wanted, counts.seconds, [pk for pk in dues if pk <= found.newest])
    # A team or a person without a default lets nothing expire.
    sets_none = ("never", "inherit") if isinstance(wanted.place, Entity) else ("never",)
    if dues and policies.at(wanted.place) not in sets_none:
        found.already = _already(
            found, fates, stock.fates(wanted.place, policies, expected.rules_of(wanted.entity))
        )
    return found


def _already(found: Preview, fates: list[Fate], present: Iterable[Fate]) -> int:
    """Count what expires by the same day under what is set now, too."""
    last = found.last
    assert last is not None
    pairs = zip(fates, present, strict=True)
    return sum(1 for new, old in pairs if new.governed and new.due and old.due and old.due <= last)


def _count(found: Preview, fates: Iterable[Fate]) -> list[int]:
    """Count what the policy in question governs; return what expires by it."""
    going: list[int] = []
    start = found.at.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = found.backlog_at
    for held, due, kept, governed in fates:
        if not governed or (due is None and kept is None):
            continue
        here = found.collections.get(held.collection)
        if here is None:
            here = found.collections[held.collection] = OfCollection(held.collection)
        if due is None:
            here.kept[kept or ""] += 1
            continue
        going.append(held.pk)
        here.expire += 1
        here.size += held.size
        first = max(due, moment)
        if here.first is None or first < here.first:
            here.first = first
        if here.last is None or first > here.last:
            here.last = first
        if due <= moment:
            found.backlog += 1
        else:
            found.days[(due - start).days] += 1
    _total(found)
    return going


def _total(found: Preview) -> None:
    found.later = sum(found.days.values())
    found.size = sum(each.size for each in found.collections.values())
    for each in found.collections.values():
        found.kept.update(each.kept)
    ends = [(each.first, each.last) for each in found.collections.values() if each.first and each.last]
    found.first = min((first for first, _ in ends), default=None)
    found.last = max((last for _, last in ends), default=None)


def _digest(wanted: Plan, seconds: int | None, going: list[int]) -> str:
    """Return a short text that is another when another version expires, or on another day.

    That follows from the plan; what it inherits, a place above may change meanwhile.
    """
    said = hashlib.sha256(f"{wanted.ttl} {seconds} {wanted.rules}".encode())
    said.update(array("q", sorted(going)).tobytes())
    return said.hexdigest()

"""Which time-to-live counts for a version, where it comes from, and why a version is kept in spite of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from strongroom.core.ttl import Ttl

from registry.models import Alias, Collection, Membership, TtlPolicy, Version
from registry.models.prepared import Prepared
from registry.models.versions import MembershipQuerySet
from registry.services import ttl_rules
from registry.services.ttl_rules import Rules

LATEST = "latest"

_POLICIES = Prepared[TtlPolicy](
    lambda collections, projects, entities: TtlPolicy.objects.filter(
        Q(collection__in=collections) | Q(project__in=projects) | Q(entity__in=entities)
    )
)


@dataclass(frozen=True, slots=True)
class EffectiveTtl:
    """The TTL that counts: `seconds` None is never.

    `origin` is version, collection, project, team (or person) or none; `set_on` names that place.
    `expires_at` is given also for a version that is kept (`linked`, `alias`, `newest`): it says what would happen
    once it is not. The grace date of a team is in it.
    """

    seconds: int | None
    origin: str
    set_on: str
    expires_at: datetime | None
    kept_because: str | None

    @property
    def due_at(self) -> datetime | None:
        """When the version really expires; None when it doesn't."""
        return None if self.kept_because else self.expires_at


def effective(membership: Membership) -> EffectiveTtl:
    """Return the TTL that counts for one version."""
    return effective_for([membership])[membership.pk]


def effective_for(memberships: Sequence[Membership]) -> dict[int, EffectiveTtl]:
    """Return the TTL that counts for each, by membership id, with a fixed number of queries.

    A link shows its source's TTL: policies of the sequence's place count, never the portfolio's.
    """
    sequences = {row.version.sequence_id: row.version.sequence for row in memberships}
    policies = _policies_of(sequences.values())
    # What never expires needs no reason to be kept: where no TTL is set, nothing more is read.
    facts = _facts([row for row in memberships if _may_expire(row.version, policies)])
    return {row.pk: _one(row.version, policies[row.version.sequence_id], facts) for row in memberships}


def _may_expire(version: Version, policies: dict[int, TtlPolicy | None]) -> bool:
    if version.ttl_kind != Version.Ttl.INHERIT:
        return version.ttl_seconds is not None
    policy = policies[version.sequence_id]
    return policy is not None and policy.seconds is not None


def _policies_of(sequences: Iterable[Collection]) -> dict[int, TtlPolicy | None]:
    rows = list(sequences)
    projects = {row.project_id: row.project for row in rows}
    entities = {project.entity_id: project.entity for project in projects.values()}
    found = _POLICIES.all([row.pk for row in rows], list(projects), list(entities))
    at_hand: dict[str, dict[int, Any]] = {
        "collection": {row.pk: row for row in rows},
        "project": projects,
        "entity": entities,
    }
    by_place: dict[tuple[str, int | None], TtlPolicy] = {}
    for policy in found:
        for field, places in at_hand.items():
            pk = getattr(policy, f"{field}_id")
            if pk is not None:
                # The place that the rows hold already: to join three tables costs more than to find the policy.
                setattr(policy, field, places[pk])
                by_place[f"{field}_id", pk] = policy
    return {
        row.pk: by_place.get(("collection_id", row.pk))
        or by_place.get(("project_id", row.project_id))
        or by_place.get(("entity_id", projects[row.project_id].entity_id))
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of some versions: the rules of their entities, by id, and which of them are what."""

    rules: dict[int, Rules]
    aliased: set[int]
    linked: set[int]
    newest: set[int]


def _facts(memberships: Sequence[Membership]) -> _Facts:
    if not memberships:
        return _Facts({}, set(), set(), set())
    ids = [row.version_id for row in memberships]
    rules = ttl_rules.of_entities({row.version.sequence.project.entity_id for row in memberships})
    aliased = Alias.objects.filter(membership__version__in=ids).exclude(name=LATEST)
    links = Membership.objects.registered().filter(version__in=ids)
    return _Facts(
        rules,
        set(aliased.values_list("membership__version_id", flat=True)),
        set(links.values_list("version_id", flat=True)),
        _newest(memberships, rules),
    )


def _newest(memberships: Sequence[Membership], rules: dict[int, Rules]) -> set[int]:
    """Return which versions are among the newest of their sequences that are kept; one query, or none."""
    wanted: dict[int, list[int]] = {}
    for row in memberships:
        kept = rules.get(row.version.sequence.project.entity_id, ttl_rules.NONE).kept_newest
        if kept:
            wanted.setdefault(kept, []).append(row.version_id)
    if not wanted:
        return set()
    some = [
        newest(Membership.objects.sources().filter(version__in=ids), kept).values_list("version_id")
        for kept, ids in sorted(wanted.items())
    ]
    return {pk for (pk,) in some[0].union(*some[1:])}


def newest(rows: MembershipQuerySet, kept: int, *, beyond: bool = False) -> MembershipQuerySet:
    """Leave of some places those that are among the `kept` newest of their collection, or those `beyond` them."""
    committed = Membership.objects.committed().filter(collection=OuterRef("collection")).order_by("-number")
    # Where there are fewer, all are.
    oldest = Coalesce(Subquery(committed.values("number")[kept - 1 : kept]), 0)
    return rows.filter(number__lt=oldest) if beyond else rows.filter(number__gte=oldest)


def _one(version: Version, policy: TtlPolicy | None, facts: _Facts) -> EffectiveTtl:
    rules = facts.rules.get(version.sequence.project.entity_id, ttl_rules.NONE)
    inherits = version.ttl_kind == Version.Ttl.INHERIT
    kept = rules.kept(
        inherits=inherits,
        linked=version.pk in facts.linked,
        aliased=version.pk in facts.aliased,
        newest=version.pk in facts.newest,
    )
    seconds, origin, set_on = (
        _counting(policy) if inherits else (version.ttl_seconds, "version", "this version")
    )
    expires_at = None if seconds is None else rules.expires_at(version.created_at, seconds, origin)
    return EffectiveTtl(seconds, origin, set_on, expires_at, kept if expires_at else None)


def _counting(policy: TtlPolicy | None) -> tuple[int | None, str, str]:
    """Return what an inherited policy says, and where it is set."""
    if policy is None:
        return None, "none", ""
    if policy.collection is not None:
        return policy.seconds, "collection", policy.collection.name
    if policy.project is not None:
        return policy.seconds, "project", policy.project.name
    return policy.seconds, "team", policy.entity.name if policy.entity else ""


def columns(version_created_at: datetime, ttl: Ttl) -> dict[str, Any]:
    """Return the columns of a version that hold a TTL."""
    if ttl in (Version.Ttl.INHERIT, Version.Ttl.NEVER):
        return {"ttl_kind": ttl, "ttl_seconds": None, "expires_at": None}
    seconds = int(ttl)
    return {
        "ttl_kind": Version.Ttl.DURATION,
        "ttl_seconds": seconds,
        "expires_at": version_created_at + timedelta(seconds=seconds),
    }


def as_value(version: Version) -> str | int:
    """Return a version's own TTL in the form that doors speak: "inherit", "never" or seconds."""
    return version.ttl_seconds if version.ttl_seconds is not None else version.ttl_kind

"""Time-to-live: what counts for a version, where it comes from, and expiry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from strongroom.core.ttl import Ttl, parse_ttl

from registry.actor import Actor, system
from registry.errors import NotFound
from registry.models import Alias, Collection, Entity, Membership, Project, Team, TtlPolicy, Version
from registry.policy import Act, check
from registry.services import collections, events, trash
from registry.services._common import now

_BATCH = 500


@dataclass(frozen=True, slots=True)
class EffectiveTtl:
    """The TTL that counts: `seconds` None is never.

    `origin` is version, collection, project, team (or person) or none; `set_on` names that place.
    `expires_at` is given also for a version that is kept: it says what would happen once it is not.
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
    spared, linked = _kept([row for row in memberships if _may_expire(row.version, policies)])
    return {
        row.pk: _one(row.version, policies[row.version.sequence_id], spared, linked) for row in memberships
    }


def _may_expire(version: Version, policies: dict[int, TtlPolicy | None]) -> bool:
    if version.ttl_kind != Version.Ttl.INHERIT:
        return version.ttl_seconds is not None
    policy = policies[version.sequence_id]
    return policy is not None and policy.seconds is not None


def _policies_of(sequences: Iterable[Collection]) -> dict[int, TtlPolicy | None]:
    rows = list(sequences)
    projects = {row.project_id: row.project for row in rows}
    entities = {project.entity_id for project in projects.values()}
    found = TtlPolicy.objects.filter(
        Q(collection__in=[row.pk for row in rows]) | Q(project__in=list(projects)) | Q(entity__in=entities)
    ).select_related("collection", "project__entity", "entity")
    by_place: dict[tuple[str, int | None], TtlPolicy] = {}
    for policy in found:
        for field in ("collection_id", "project_id", "entity_id"):
            if getattr(policy, field) is not None:
                by_place[field, getattr(policy, field)] = policy
    return {
        row.pk: by_place.get(("collection_id", row.pk))
        or by_place.get(("project_id", row.project_id))
        or by_place.get(("entity_id", projects[row.project_id].entity_id))
        for row in rows
    }


def _kept(memberships: Sequence[Membership]) -> tuple[set[int], set[int]]:
    """Return the ids of versions spared for an alias besides `latest`, and those of linked ones."""
    if not memberships:
        return set(), set()
    ids = [row.version_id for row in memberships]
    not_sparing = set(
        Team.objects.filter(
            entity__in={row.version.sequence.project.entity_id for row in memberships},
            inherited_ttl_spares_aliased=False,
        ).values_list("entity_id", flat=True)
    )
    owners = {row.version_id: row.version.sequence.project.entity_id for row in memberships}
    aliased = Alias.objects.filter(membership__version__in=ids).exclude(name="latest")
    spared = {
        pk for pk in aliased.values_list("membership__version_id", flat=True) if owners[pk] not in not_sparing
    }
    links = Membership.objects.filter(version__in=ids, collection__project__kind=Project.Kind.REGISTRY)
    return spared, set(links.values_list("version_id", flat=True))


def _one(version: Version, policy: TtlPolicy | None, spared: set[int], linked: set[int]) -> EffectiveTtl:
    kept = "linked" if version.pk in linked else None
    if version.ttl_kind != Version.Ttl.INHERIT:
        return _make(version, version.ttl_seconds, "version", "this version", kept)
    if policy is None:
        return _make(version, None, "none", "", kept)
    if kept is None and version.pk in spared:
        kept = "alias"
    if policy.collection is not None:
        return _make(version, policy.seconds, "collection", policy.collection.name, kept)
    if policy.project is not None:
        return _make(version, policy.seconds, "project", policy.project.name, kept)
    return _make(version, policy.seconds, "team", policy.entity.name if policy.entity else "", kept)


def _make(version: Version, seconds: int | None, origin: str, set_on: str, kept: str | None) -> EffectiveTtl:
    expires_at = None if seconds is None else version.created_at + timedelta(seconds=seconds)
    return EffectiveTtl(seconds, origin, set_on, expires_at, kept if expires_at else None)


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


def set_policy(actor: Actor, *, target: Entity | Project | Collection, ttl: str | int | None) -> None:
    """Set what `inherit` means below a place: a duration, "never", or "inherit" to have no policy here."""
    project = target.project if isinstance(target, Collection) else target
    check(actor, Act.SET_POLICY, project)
    wanted = parse_ttl(ttl)
    place: dict[str, Any] = {type(target).__name__.lower(): target}
    with transaction.atomic():
        held = TtlPolicy.objects.filter(**place).first()
        before = _policy_value(held)
        if before == wanted:
            return
        if wanted == "inherit":
            TtlPolicy.objects.filter(**place).delete()
        else:
            seconds = None if wanted == "never" else int(wanted)
            TtlPolicy.objects.update_or_create(
                **place,
                defaults={"seconds": seconds, "created_by": actor.user, "updated_at": now()},
            )
        events.record(
            actor,
            "ttl_policy.set",
            entity=target if isinstance(target, Entity) else None,
            project=target if isinstance(target, Project) else None,
            collection=target if isinstance(target, Collection) else None,
            subject=str(target),
            before=before,
            after=wanted,
        )


def _policy_value(policy: TtlPolicy | None) -> str | int:
    if policy is None:
        return "inherit"
    return "never" if policy.seconds is None else policy.seconds


def expire_due(at: datetime | None = None) -> int:
    """Move every version whose TTL has passed to the trash; returns how many.

    Candidates are gathered without locks; each is judged again, by every rule, under the lock on its
    collection, so that a change a second before wins and two workers beside each other do no harm.
    """
    at = at or now()
    return sum(_expire(pk, at) for ids in _candidates(at) for pk in _due(ids, at))


def _due(ids: list[int], at: datetime) -> list[int]:
    """Leave out what is kept for an alias or a link: it is a candidate at every run, and needs no lock."""
    found = effective_for(list(Membership.objects.for_listing().filter(pk__in=ids)))
    return [pk for pk, ttl in found.items() if ttl.due_at is not None and ttl.due_at <= at]


def _candidates(at: datetime) -> Iterable[list[int]]:
    live = Membership.objects.committed().sources()
    yield from _batches(live.filter(version__expires_at__lte=at))
    for policy in TtlPolicy.objects.exclude(seconds=None):
        yield from _batches(_inheriting(live, policy, at))


def _inheriting(live: QuerySet[Membership], policy: TtlPolicy, at: datetime) -> QuerySet[Membership]:
    """Return the versions that inherit from this very policy and are older than it allows."""
    assert policy.seconds is not None
    rows = live.filter(
        version__ttl_kind=Version.Ttl.INHERIT, version__created_at__lte=at - timedelta(seconds=policy.seconds)
    )
    if policy.collection_id is not None:
        return rows.filter(collection=policy.collection_id)
    nearest = rows.filter(collection__ttl_policy=None)
    if policy.project_id is not None:
        return nearest.filter(collection__project=policy.project_id)
    return nearest.filter(collection__project__ttl_policy=None, collection__project__entity=policy.entity_id)


def _batches(rows: QuerySet[Membership]) -> Iterable[list[int]]:
    last = 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        yield ids
        last = ids[-1]


def _expire(membership_id: int, at: datetime) -> bool:
    with transaction.atomic():
        found = Membership.objects.filter(pk=membership_id).select_related("collection").first()
        if found is None:
            return False
        try:
            collections.lock(found.collection)
        except NotFound:
            return False
        row = Membership.objects.committed().for_listing().filter(pk=membership_id).first()
        if row is None:
            return False
        due_at = effective(row).due_at
        if due_at is None or due_at > at:
            return False
        trash.move(system(), row, cause=Version.Cause.EXPIRY, at=at)
    return True

"""Time-to-live: the policies of places, and the expiry of what is due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from strongroom.core.ttl import parse_ttl

from registry.actor import Actor, system
from registry.errors import NotFound
from registry.models import Collection, Entity, Membership, Project, TtlPolicy, Version
from registry.policy import Act, check
from registry.services import events, locks, trash, ttl_rules
from registry.services._common import now
from registry.services._each import Each
from registry.services.seen import Seen, refuse_changed
from registry.services.ttls import EffectiveTtl, as_value, columns, effective, effective_for

__all__ = [
    "EffectiveTtl",
    "as_value",
    "columns",
    "effective",
    "effective_for",
    "expire_due",
    "set_policy",
]

_BATCH = 500


def set_policy(
    actor: Actor,
    *,
    target: Entity | Project | Collection,
    ttl: str | int | None,
    seen: Seen | None = None,
) -> None:
    """Set what `inherit` means below a place: a duration, "never", or "inherit" to have no policy here.

    It is refused when there is another policy than was `seen`.
    """
    project = target.project if isinstance(target, Collection) else target
    check(actor, Act.SET_POLICY, project)
    wanted = parse_ttl(ttl)
    place: dict[str, Any] = {type(target).__name__.lower(): target}
    with transaction.atomic():
        _lock(target)
        held = TtlPolicy.objects.filter(**place).first()
        before = _policy_value(held)
        refuse_changed(seen or {}, {"ttl": before}, {"ttl": wanted})
        if before == wanted:
            return
        ttl_rules.check_bounds(wanted)
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


def _lock(target: Entity | Project | Collection) -> None:
    """Lock a place: of two policies set at once each has its event, and a deleted collection gets none."""
    if isinstance(target, Collection):
        locks.lock(target)
    else:
        type(target).objects.select_for_update(of=("self",)).get(pk=target.pk)


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
    each = Each("versions could not be expired")
    for ids in _candidates(at):
        for pk in _due(ids, at):
            each.do(_expire, pk, at)
    return each.finish()


def _due(ids: list[int], at: datetime) -> list[int]:
    """Leave out what is kept for an alias or a link: it is a candidate at every run, and needs no lock."""
    found = effective_for(list(Membership.objects.for_listing().without_cards().filter(pk__in=ids)))
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
            locks.lock(found.collection)
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

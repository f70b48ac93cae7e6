"""The expiry of what is due: in batches, each judged again under its lock; what it did is kept."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from registry import jobs
from registry.actor import Actor, system
from registry.errors import InUse, NotFound
from registry.models import Entity, ExpiryRun, Membership, TtlPolicy, Version
from registry.policy import Act, check
from registry.services import clock, locks, previews, trashing
from registry.services._common import now
from registry.services._each import Each
from registry.services.previews import Plan
from registry.services.ttls import effective_for

log = logging.getLogger(__name__)
_READ, _BATCH = 1000, 200
_KEPT_RUNS = 200
_SHOWN_RUNS = 10


@dataclass(slots=True)
class Expired:
    """What a run did; `held` when it did nothing because the clock can't be believed."""

    versions: int = 0
    size: int = 0
    held: bool = False
    entities: set[int] = field(default_factory=set)


def expire_due(at: datetime | None = None) -> int:
    """Move every version whose TTL has passed to the trash; returns how many."""
    return run(at).versions


def run(at: datetime | None = None) -> Expired:
    """Do the same, and say what was done. A moment that is given is believed.

    Candidates are gathered without locks; each is judged again, by every rule, under the lock on its
    collection, so that a change a second before wins and two workers beside each other do no harm.
    """
    done = Expired()
    if (at := clock.moment(at)) is None:
        done.held = True
        return done
    each = Each("versions could not be expired")
    for ids in candidates(at):
        for batch in _by_collection(due(ids, at)):
            _try(each, batch, at, done)
    _forget_old_runs(done.entities)
    each.finish()
    return done


def runs(actor: Actor, *, entity: Entity) -> list[ExpiryRun]:
    """Return what the last runs moved to the trash of an entity, the newest first."""
    check(actor, Act.SET_POLICY, entity)
    return list(ExpiryRun.objects.filter(entity=entity).order_by("-at")[:_SHOWN_RUNS])


def dues(wanted: Plan, rows: Sequence[Membership]) -> dict[int, datetime]:
    """Say when versions that a plan lets expire go, by the ids of their places."""
    seconds, origin = previews.counting(wanted)
    at = now()
    if seconds is None:
        return {}
    return {row.pk: max(at, wanted.rules.expires_at(row.version.created_at, seconds, origin)) for row in rows}


def candidates(at: datetime) -> Iterator[list[int]]:
    """Give what may be due, in batches: what has a time to live of its own first."""
    live = Membership.objects.committed().sources()
    yield from _batches(live.filter(version__expires_at__lte=at))
    for policy in TtlPolicy.objects.exclude(seconds=None):
        yield from _batches(_inheriting(live, policy, at))


def due(ids: list[int], at: datetime) -> list[int]:
    """Leave out what is kept for an alias or a link: it is a candidate at every run, and needs no lock."""
    found = effective_for(list(Membership.objects.for_listing().without_cards().filter(pk__in=ids)))
    return [pk for pk, ttl in found.items() if ttl.due_at is not None and ttl.due_at <= at]


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
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_READ]):
        yield ids
        last = ids[-1]


def _by_collection(ids: list[int]) -> Iterator[list[int]]:
    """Give what one transaction moves: places of one collection, not too many."""
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for pk, collection in Membership.objects.filter(pk__in=ids).values_list("pk", "collection_id"):
        groups[collection].append(pk)
    for group in groups.values():
        for at in range(0, len(group), _BATCH):
            yield group[at : at + _BATCH]


def _try(each: Each, ids: list[int], at: datetime, done: Expired) -> None:
    """Expire a batch; where it fails one by one, so that one that fails keeps no other back."""
    try:
        moved = _expire(ids, at, done)
    except tuple(jobs.STOPS):
        raise
    except Exception as error:
        if not isinstance(error, InUse):
            log.exception("A batch of %s is expired one by one.", len(ids))
        for pk in ids:
            each.do(_expire_unless_needed, pk, at, done)
    else:
        each.do(lambda: moved)


def _expire_unless_needed(pk: int, at: datetime, done: Expired) -> int:
    """Expire one; what a draft's run uses waits until that is committed or given up, and is no failure."""
    try:
        return _expire([pk], at, done)
    except InUse:
        return 0


def _expire(ids: list[int], at: datetime, done: Expired) -> int:
    """Expire places of one collection, all or none: only what is due by every rule as it is now."""
    first = Membership.objects.filter(pk__in=ids).select_related("collection__project__entity").first()
    if first is None:
        return 0
    with transaction.atomic():
        try:
            locks.lock(first.collection)
        except NotFound:
            return 0
        # The state is looked at here: asked of SQLite, it would begin with all committed versions there are.
        found = Membership.objects.for_listing().without_cards().filter(pk__in=ids)
        rows = [row for row in found if row.version.state == Version.State.COMMITTED]
        ttls = effective_for(rows)
        going = [row for row in rows if (end := ttls[row.pk].due_at) is not None and end <= at]
        if not going:
            return 0
        owner, size = first.collection.project.entity, sum(row.version.size for row in going)
        until = trashing.purge_date(at, owner)
        trashing.move_all(system(), [going], cause=Version.Cause.EXPIRY, at=at, until=until)
        _keep(owner.pk, at, len(going), size)
    done.versions, done.size = done.versions + len(going), done.size + size
    done.entities.add(owner.pk)
    return len(going)


def _keep(entity: int, at: datetime, versions: int, size: int) -> None:
    """Add to what the run did; call it in the transaction that did it."""
    row, _ = ExpiryRun.objects.get_or_create(entity_id=entity, at=at)
    ExpiryRun.objects.filter(pk=row.pk).update(versions=F("versions") + versions, size=F("size") + size)


def _forget_old_runs(entities: Iterable[int]) -> None:
    for entity in entities:
        rows = ExpiryRun.objects.filter(entity=entity)
        oldest = rows.order_by("-at").values_list("at", flat=True)[_KEPT_RUNS - 1 : _KEPT_RUNS]
        for at in list(oldest):
            rows.filter(at__lt=at).delete()

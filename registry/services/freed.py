"""Which bytes really come back when versions expire: shared ones once, and only when nobody needs them any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from registry.manifests.leaves import NO_DIGEST
from registry.manifests.reach import Reach
from registry.models import Entity, Manifest, Version
from registry.services import expected, trashing
from registry.services._common import now
from registry.services.expected import Fate, Policies, Stock
from registry.services.previews import Plan


@dataclass(slots=True)
class Freed:
    """Bytes that come back by a plan, in all and by the collection of who needs them last."""

    size: int = 0
    collections: Counter[int] = field(default_factory=Counter)


class _Need(NamedTuple):
    """Until when a manifest is needed, None for ever; by which collection last, and whether by what the plan ends."""

    until: datetime | None
    collection: int = 0
    ends: bool = False


def of(wanted: Plan, stock: Stock | None = None) -> Freed:
    """Walk what all versions of the entity have, those that are needed longest first.

    Whoever comes first takes a blob: so it is counted at the day on which the last who needs it goes, and not at all
    where somebody keeps it. What a draft or the trash holds is needed, too. `stock` is all of the entity, where it
    was read already.
    """
    policies = Policies.of(wanted.entity).instead(wanted.place, wanted.ttl)
    stock = stock or expected.stock(wanted.entity)
    with expected.uncollected():
        needs = _needs(wanted.entity, stock.fates(wanted.place, policies, wanted.rules))
        return _walk(wanted.entity, needs) if any(need.ends for need in needs.values()) else Freed()


def _needs(entity: Entity, fates: Iterable[Fate]) -> dict[int, _Need]:
    needs: dict[int, _Need] = {}
    # What is due already goes with the next run.
    trash, at = timedelta(days=trashing.trash_days(entity)), now()
    for held, due, _, governed in fates:
        until = None if due is None else max(due, at) + trash
        need = _Need(until, held.collection, governed and due is not None)
        # Mostly nobody else has the same manifest.
        if needs.setdefault(held.manifest, need) is not need:
            _put(needs, held.manifest, need)
    others = Version.objects.filter(sequence__project__entity=entity, manifest__isnull=False)
    others = others.exclude(state=Version.State.COMMITTED)
    for manifest, state, purge_at in others.values_list("manifest_id", "state", "purge_at"):
        _put(needs, manifest, _Need(purge_at if state == Version.State.DELETED else None))
    return needs


def _put(needs: dict[int, _Need], manifest: int, need: _Need) -> None:
    """Note who needs a manifest longest; of two on the same moment, one whom the plan does not end."""
    held = needs.get(manifest)
    if held is None or held.until is None:
        needs.setdefault(manifest, need)
    elif need.until is None or need.until > held.until or (need.until == held.until and not need.ends):
        needs[manifest] = need


def _walk(entity: Entity, needs: dict[int, _Need]) -> Freed:
    for_ever = {pk: need for pk, need in needs.items() if need.until is None}
    ends = sorted(
        ((need.until, not need.ends, pk) for pk, need in needs.items() if need.until is not None),
        reverse=True,
    )
    roots = dict(Manifest.objects.filter(scope=entity).values_list("pk", "root"))
    order = [*for_ever, *(pk for _, _, pk in ends)]
    # Of what refers to bytes elsewhere nothing comes back.
    seen, collections = {NO_DIGEST}, Counter[int]()
    # By leaves, and few steps for each entry: there are millions, and most were seen before.
    for manifest, sizes in Reach[int](entity.pk).contents((pk, bytes(roots[pk])) for pk in order):
        need = needs[manifest]
        if not need.ends:
            seen.update(sizes)
            continue
        if fresh := [digest for digest in sizes if digest not in seen]:
            collections[need.collection] += sum(map(sizes.__getitem__, fresh))
            seen.update(fresh)
    return Freed(collections.total(), collections)

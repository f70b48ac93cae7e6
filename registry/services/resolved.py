"""The commit of a draft whose references are resolved: what was staged and what was found become one manifest."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from operator import attrgetter

from django.db import transaction
from django.db.models import F
from strongroom.core.entries import Entry
from strongroom.core.manifest import same_content, sorted_entries

from registry import manifests
from registry.errors import BlobsMissing, Forbidden, RegistryError, Unavailable
from registry.models import ReferenceOrder, Resolution, Version
from registry.policy import Act, check
from registry.services import commits, locks, reference_batches, references, referring, renewals
from registry.services.commits import Committed
from registry.services.leases import Lease

TRIES = 5
# Each that is merged as it is keeps a batch in memory; the others are sorted together.
_MERGED = 16


def commit(lease: Lease) -> Committed | None:
    """Commit the draft that is held, if that was asked for and all is resolved; note why where it can't be."""
    near = ("asked_by", "key", "draft__manifest__scope", "draft__sequence__project__entity", "draft__run")
    asked = Resolution.objects.select_related(*near).filter(
        pk=lease.draft_id, asked_at__isnull=False, code=""
    )
    resolution = asked.first()
    orders = list(ReferenceOrder.objects.filter(draft=lease.draft_id))
    if resolution is None or not _is_whole(resolution, orders):
        return None
    Resolution.objects.filter(pk=resolution.pk).update(attempts=F("attempts") + 1)
    try:
        if resolution.attempts >= TRIES:
            raise Unavailable("The worker was stopped each time it committed this. Try again, or give it up.")
        return _commit(lease, resolution, orders)
    except RegistryError as error:
        with transaction.atomic():
            lease.keep()
            Resolution.objects.filter(pk=resolution.pk).update(**references.reason(error))
    return None


def _is_whole(resolution: Resolution, orders: list[ReferenceOrder]) -> bool:
    """Tell whether there is nothing left to be found."""
    is_something = bool(orders) or resolution.renews_id is not None or resolution.draft.manifest is not None
    return is_something and all(each.state == each.State.RESOLVED for each in orders)


def _commit(lease: Lease, resolution: Resolution, orders: list[ReferenceOrder]) -> Committed | None:
    actor, draft = references.asker(resolution), resolution.draft
    if actor.user is None:
        raise Forbidden("Whoever asked for this version has left. Somebody else may log it anew.")
    check(actor, Act.LOG, draft.sequence.project)
    if resolution.renews_id is not None:
        return renewals.commit(lease, resolution, actor)
    prepared = _prepared(draft, orders)
    with transaction.atomic():
        sequence = locks.lock(draft.sequence)
        fresh = Version.objects.select_for_update().filter(pk=draft.pk, state=Version.State.PENDING).first()
        lease.keep()
        if fresh is None or fresh.manifest_id != draft.manifest_id or not _is_all(draft, orders):
            # Something came or went meanwhile: the next look sees it.
            return None
        fresh.sequence, fresh.run = sequence, draft.run
        fresh.manifest = prepared.record().manifest
        done = commits.finish(actor, fresh, resolution.aliases, resolution.tags)
        if done.created:
            referring.put(actor, fresh, prepared.refers_to)
        ReferenceOrder.objects.filter(draft=draft).delete()
        Resolution.objects.filter(pk=draft.pk).delete()
    return done


def _is_all(draft: Version, orders: list[ReferenceOrder]) -> bool:
    rows = ReferenceOrder.objects.filter(draft=draft).values_list("pk", "batch_count", "state")
    return set(rows) == {(each.pk, each.batch_count, each.State.RESOLVED.value) for each in orders}


def _prepared(draft: Version, orders: list[ReferenceOrder]) -> manifests.Prepared:
    staged: Iterable[Entry] = ()
    if draft.manifest is not None:
        commits.check_claimed(draft.digest, manifests.seal(draft.manifest).digest)
        staged = manifests.entries(draft.manifest)
    prepared = manifests.prepare(draft.sequence.project.entity, _once(_merged(staged, orders)))
    if prepared.missing_count:
        raise BlobsMissing(
            f"The server lacks the bytes of {prepared.missing_count} of the files. Send them, and commit again.",
            count=prepared.missing_count,
            bytes=prepared.missing_bytes,
        )
    return prepared


def _merged(staged: Iterable[Entry], orders: list[ReferenceOrder]) -> Iterator[Entry]:
    """Give all entries by path; equal paths are neighbours."""
    ordered = [order for order in orders if order.in_order][:_MERGED]
    sorted_ones = [reference_batches.read(order) for order in ordered]
    others = [order for order in orders if order not in ordered]
    loose = sorted_entries(entry for order in others for entry in reference_batches.read(order))
    return heapq.merge(staged, *sorted_ones, loose, key=attrgetter("path"))


def _once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Leave out what two references found alike; that two found different things in one place is told by `prepare`."""
    last: Entry | None = None
    for entry in entries:
        if last is None or entry.path != last.path or not same_content(entry, last):
            yield entry
        last = entry

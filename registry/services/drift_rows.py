"""What a look at references comes to in rows: a batch with its place, and at the end the state and its event."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from strongroom.core.references.base import State

from registry.actor import system
from registry.models import Membership, ReferenceDrift, ReferenceWatch, Version
from registry.services import events
from registry.services.looking import Looked

# The worst first: it names the state of the whole version.
_WORST = ("missing", "changed", "unreachable")
_LONGEST_WHY = 2000
_UPDATED = ("state", "refused", "since", "checked_at", "why", "digest", "size", "extra")
# A reference: what was found, a row that stands as it is, or None where it is not watched.
Seen = Looked | ReferenceDrift | None


@dataclass(frozen=True, slots=True)
class Batch:
    """The references that follow those which the watch has seen; `next_at` is when the look goes on, if it does."""

    seen: Sequence[Seen]
    is_last: bool
    at: datetime
    next_at: datetime
    last_path: str = ""


def path_key(path: str) -> bytes:
    """Return what stands for a path in an index."""
    return hashlib.sha256(path.encode()).digest()


def release(pk: int, claim: str, next_at: datetime) -> None:
    """Give a version back whose batch failed."""
    _held(pk, claim).update(claim="", claimed_until=None, next_at=next_at)


def put_off(watch: ReferenceWatch, claim: str, next_at: datetime) -> None:
    """Leave a version in the trash alone for a while; one that was purged has nothing to look at any more."""
    if watch.version.purged_at is not None:
        watch.delete()
        return
    _held(watch.pk, claim).update(claim="", claimed_until=None, next_at=next_at, asked_at=None)


def write(pk: int, claim: str, batch: Batch, after: Callable[[ReferenceWatch, datetime], datetime]) -> bool:
    """Write a batch, unless somebody else has the version by now; `after` says when the next look is due."""
    with transaction.atomic():
        row = ReferenceWatch.objects.select_for_update().filter(pk=pk).first()
        if row is None or row.claim != claim:
            return False
        row.claim, row.claimed_until = "", None
        row.begun_at = row.begun_at or batch.at
        _write_drifts(row, batch)
        row.seen += len(batch.seen)
        row.seen_unwatched += sum(each is None for each in batch.seen)
        row.after, row.next_at = batch.last_path or row.after, batch.next_at
        if batch.is_last:
            _finish(row, batch.at, after)
        row.save()
        if row.total == 0:
            row.delete()
    return True


def _held(pk: int, claim: str) -> QuerySet[ReferenceWatch]:
    return ReferenceWatch.objects.filter(pk=pk, claim=claim)


def _write_drifts(row: ReferenceWatch, batch: Batch) -> None:
    """Write the rows of what is not as it was, and remove those of what is again; counts go with them."""
    first, beyond = row.seen, row.seen + len(batch.seen)
    present = row.drifts.filter(position__gte=first, position__lt=beyond)
    before = {each.position: each for each in present}
    kept, wanted = set(), []
    for position, seen in enumerate(batch.seen, start=first):
        if isinstance(seen, ReferenceDrift):
            kept.add(position)
        elif seen is not None and seen.checked.state is not State.OK:
            kept.add(position)
            wanted.append(_drift(row, position, seen, before.get(position), batch.at))
    gone = [each for position, each in before.items() if position not in kept]
    ReferenceDrift.objects.filter(pk__in=[each.pk for each in gone]).delete()
    ReferenceDrift.objects.bulk_create(
        wanted, update_conflicts=True, unique_fields=["watch", "position"], update_fields=_UPDATED
    )
    for name in _WORST:
        went = sum(each.state == name for each in gone)
        went += sum(before[each.position].state == name for each in wanted if each.position in before)
        came = sum(each.state == name for each in wanted)
        setattr(row, name, max(0, getattr(row, name) + came - went))


def _drift(
    row: ReferenceWatch, position: int, seen: Looked, before: ReferenceDrift | None, at: datetime
) -> ReferenceDrift:
    checked, entry = seen.checked, seen.entry
    state = str(checked.state)
    there = checked.now if checked.state is State.CHANGED else None
    return ReferenceDrift(
        watch=row,
        position=position,
        path=entry.path,
        path_sha256=path_key(entry.path),
        uri=entry.ref or "",
        state=state,
        refused=seen.refused and checked.state is State.UNREACHABLE,
        since=before.since if before is not None and before.state == state else at,
        checked_at=at,
        why=checked.why[:_LONGEST_WHY],
        digest=there.digest if there is not None else "",
        size=there.size if there is not None else None,
        extra=there.extra if there is not None else {},
    )


def _finish(row: ReferenceWatch, at: datetime, after: Callable[[ReferenceWatch, datetime], datetime]) -> None:
    """End a look: what it came to, when the next is due, and an event when that is something new."""
    row.total, row.unwatched, row.next_at = row.seen, row.seen_unwatched, after(row, at)
    row.begun_at, row.asked_at, row.after, row.seen, row.seen_unwatched = None, None, "", 0, 0
    state = row.worst
    before, row.checked_at = row.state, at
    if state != before:
        row.state, row.state_since = state, at
        # That all is well at the first look is no news.
        if before or state != State.OK:
            _tell(row, before)


def _tell(row: ReferenceWatch, before: str) -> None:
    place = (
        Membership.objects.sources()
        .select_related("collection__project__entity")
        .filter(version=row.version_id)
    )
    membership = place.first()
    if membership is None:
        return
    events.record(
        system(),
        "version.drift",
        collection=membership.collection,
        version=Version(pk=row.version_id),
        subject=membership.name,
        before={"references": before} if before else None,
        after={"references": row.state} | {name: count for name in _WORST if (count := getattr(row, name))},
    )

"""What a look at references comes to in rows: a batch with its place, and at the end the state and its event."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from strongroom.core.entries import Entry
from strongroom.core.references.base import State

from registry.actor import system
from registry.models import Membership, ReferenceDrift, ReferenceWatch, Version
from registry.outbound import place_of
from registry.services import events
from registry.services.looking import Looked

# The worst first: it names the state of the whole version.
_WORST = ("missing", "changed", "unreachable")
_LONGEST_WHY = 2000
_UPDATED = (
    "state", "refused", "place_sha256", "others", "met", "since", "checked_at", "why", "digest", "size", "extra",
)  # fmt: skip
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


def place_key(entry: Entry) -> bytes:
    """Return what stands for the place of a reference in an index."""
    return hashlib.sha256(place_of(entry).encode()).digest()


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
    kept, wanted = _of_places(row, batch, before)
    for position, seen in enumerate(batch.seen, start=first):
        if isinstance(seen, ReferenceDrift):
            if seen.place_sha256 is None:
                kept.add(position)
        elif seen is not None and seen.checked.state is not State.OK and not seen.place:
            kept.add(position)
            wanted.append(_drift(row, position, seen, before.get(position), batch.at))
    gone = [each for position, each in before.items() if position not in kept]
    ReferenceDrift.objects.filter(pk__in=[each.pk for each in gone]).delete()
    ReferenceDrift.objects.bulk_create(
        wanted, update_conflicts=True, unique_fields=["watch", "position"], update_fields=_UPDATED
    )
    for name in _WORST:
        went = sum(1 + each.others for each in gone if each.state == name)
        over = (before[each.position] for each in wanted if each.position in before)
        went += sum(1 + each.others for each in over if each.state == name)
        came = sum(1 + each.others for each in wanted if each.state == name)
        setattr(row, name, max(0, getattr(row, name) + came - went))


def _of_places(
    row: ReferenceWatch, batch: Batch, before: dict[int, ReferenceDrift]
) -> tuple[set[int], list[ReferenceDrift]]:
    """Note what lies in places that are refused as a whole, a row for each; return positions to keep, and new rows."""
    met: dict[bytes, list[int]] = {}
    looked: dict[bytes, Looked] = {}
    for position, seen in enumerate(batch.seen, start=row.seen):
        if isinstance(seen, ReferenceDrift) and seen.place_sha256 is not None:
            met.setdefault(bytes(seen.place_sha256), []).append(position)
        elif isinstance(seen, Looked) and seen.place:
            met.setdefault(place_key(seen.entry), []).append(position)
            looked.setdefault(place_key(seen.entry), seen)
    found = row.drifts.filter(place_sha256__in=list(met))
    held = {bytes(each.place_sha256): each for each in found if each.place_sha256 is not None}
    kept: set[int] = set()
    wanted: list[ReferenceDrift] = []
    for place, positions in met.items():
        if (known := held.get(place)) is not None:
            _meet(row, known, len(positions), looked.get(place), batch.at)
            kept.add(known.position)
        elif (seen := looked.get(place)) is not None:
            made = _drift(row, positions[0], seen, before.get(positions[0]), batch.at)
            made.place_sha256, made.others, made.met = place, len(positions) - 1, len(positions)
            kept.add(made.position)
            wanted.append(made)
    return kept, wanted


def _meet(row: ReferenceWatch, known: ReferenceDrift, count: int, seen: Looked | None, at: datetime) -> None:
    """Count more of a place that is refused; while a look goes on, what it has not come to counts as before."""
    was = known.others
    known.met += count
    known.others = max(was, known.met - 1)
    if seen is not None:
        known.why, known.checked_at = seen.checked.why[:_LONGEST_WHY], at
    known.save(update_fields=["met", "others", "why", "checked_at"])
    row.unreachable += known.others - was


def _settle_places(row: ReferenceWatch) -> None:
    """At the end of a look each refused place has as many references as were met; one that was not met is none."""
    rows = row.drifts.exclude(place_sha256=None)
    found = rows.aggregate(counted=Sum(F("others") + 1), met=Sum("met"))
    row.unreachable = max(0, row.unreachable - (found["counted"] or 0) + (found["met"] or 0))
    rows.filter(met=0).delete()
    rows.update(others=F("met") - 1, met=0)


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
    _settle_places(row)
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

"""Keeps what a count of stored bytes found: a row for each version, each place, and the day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from registry.models import Entity, Event, StorageCount, StorageShare, Version, VersionShare

_BATCH = 500
_USES = ("version.download", "version.use")
_FIELDS = ["live", "alone", "used", "idle_since"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a project comes to, or one of its collections."""

    project: int
    collection: int | None
    versions: int
    named: int
    stored: int
    alone: int
    trash: int
    idle_since: datetime


def versions(entity: Entity, found: Iterable[VersionShare]) -> None:
    """Write what is new of versions, a few at a time: nobody waits for a hundred thousand rows."""
    held = {row.pk: row for row in VersionShare.objects.filter(entity=entity)}
    fresh, changed = [], []
    for row in found:
        old = held.pop(row.version_id, None)
        if old is None:
            fresh.append(row)
        elif any(getattr(old, name) != getattr(row, name) for name in _FIELDS):
            changed.append(row)
    for some in _batches(fresh):
        # One that was purged or removed since it was read is left out.
        there = set(
            Version.objects.filter(pk__in=[row.version_id for row in some]).values_list("pk", flat=True)
        )
        mine = [row for row in some if row.version_id in there]
        VersionShare.objects.bulk_create(mine, ignore_conflicts=True)
    for some in _batches(changed):
        VersionShare.objects.bulk_update(some, _FIELDS)
    for gone in _batches(list(held.values())):
        VersionShare.objects.filter(pk__in=[row.pk for row in gone]).delete()


def _batches(rows: list[VersionShare]) -> Iterator[list[VersionShare]]:
    yield from (rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH))


def whole(
    entity: Entity, places: Iterable[Place], parts: dict[str, int], newest_event: int, at: datetime
) -> StorageCount:
    """Write the totals of places and of the day, at once: a page never shows some of two counts."""
    rows = [
        StorageShare(
            entity=entity,
            project_id=each.project,
            collection_id=each.collection,
            versions=each.versions,
            named=each.named,
            stored=each.stored,
            alone=each.alone,
            trash=each.trash,
            idle_since=each.idle_since,
        )
        for each in places
    ]
    with transaction.atomic():
        # Of two counts at once the later waits here, and finds the rows of the earlier.
        Entity.objects.select_for_update().get(pk=entity.pk)
        StorageShare.objects.filter(entity=entity).delete()
        StorageShare.objects.bulk_create(rows, _BATCH)
        row, _ = StorageCount.objects.update_or_create(
            entity=entity,
            day=at.date(),
            defaults={**parts, "counted_at": at, "newest_event": newest_event},
        )
    return row


def uses(entity: Entity) -> dict[int, datetime]:
    """Return when versions were last downloaded or used: what was known, and the events since the last count."""
    known = VersionShare.objects.filter(entity=entity, used=True)
    found = dict(known.values_list("version_id", "idle_since"))
    counts = StorageCount.objects.filter(entity=entity).order_by("-day")
    since = counts.values_list("newest_event", flat=True).first() or 0
    fresh = Event.objects.filter(entity_id=entity.pk, pk__gt=since, act__in=_USES).exclude(version_id=None)
    for version, last in fresh.order_by().values_list("version_id").annotate(last=Max("at")):
        if version is not None:
            found[version] = max(found.get(version, last), last)
    return found

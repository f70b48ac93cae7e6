"""Into the trash: versions lose their aliases, which wait with them to be given back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from registry.actor import Actor
from registry.models import Alias, Collection, Entity, Membership, Project, Team, Version
from registry.models.prepared import Prepared
from registry.services import alias_moves, aliases, events, latest, locks, needed
from registry.services._common import now
from registry.services.alias_moves import WITH_VERSION, Moved

BATCH = 500
_TRASH_DAYS = Prepared[list[int | None]](
    lambda entity: Team.objects.filter(entity=entity).values_list("trash_days")
)


def trash_days(entity: Entity) -> int:
    """How many days what an entity deletes can be restored: its team's own number, or that of the settings."""
    [[own]] = _TRASH_DAYS.all(entity.pk) or [[None]]
    return settings.TRASH_DAYS if own is None else own


def purge_date(at: datetime, entity: Entity) -> datetime:
    """Until when what the entity deletes at `at` can be restored."""
    return at + timedelta(days=trash_days(entity))


def lengthen(entity: Entity) -> None:
    """Let what waits in the trash wait for as long as is said now; what has a later date keeps that."""
    period = timedelta(days=trash_days(entity))
    waiting = Version.objects.filter(
        state=Version.State.DELETED, purged_at=None, sequence__project__entity=entity
    )
    gone = Collection.objects.filter(project__entity=entity, deleted_at__isnull=False)
    away = Project.objects.filter(entity=entity, deleted_at__isnull=False)
    teams = Entity.objects.filter(pk=entity.pk, deleted_at__isnull=False)
    for rows in (waiting, gone, away, teams):
        # What is over already stays over: its versions may be purged at this moment.
        rows.filter(purge_at__gt=now(), purge_at__lt=F("deleted_at") + period).update(
            purge_at=F("deleted_at") + period
        )


def move(actor: Actor, membership: Membership, *, cause: str, at: datetime | None = None) -> None:
    """Move a committed version to the trash; call it with its sequence locked and the rights checked."""
    at = at or now()
    until = purge_date(at, membership.version.sequence.project.entity)
    move_all(actor, [[membership]], cause=cause, at=at, until=until)


def move_all(
    actor: Actor, batches: Iterable[Sequence[Membership]], *, cause: str, at: datetime, until: datetime
) -> None:
    """Move committed versions of one sequence; the number of queries grows with that of batches alone."""
    left: dict[int, latest.Holder] = {}
    for batch in batches:
        left |= _move(actor, batch, cause, at, until)
    # Once, when all are gone: the newest of one batch may be deleted with the next.
    events.append(latest.fall_back(actor, left))


def _move(
    actor: Actor, rows: Sequence[Membership], cause: str, at: datetime, until: datetime
) -> dict[int, latest.Holder]:
    """Move a batch; return those that held `latest`, by collection."""
    versions = {row.version_id: row.version for row in rows}
    needed.refuse(actor, versions, rows[0].name if len(rows) == 1 else rows[0].collection.name)
    places = places_of(versions)
    left = _take_aliases(actor, versions, WITH_VERSION[Version.Cause(cause)])
    changes = {
        "state": Version.State.DELETED,
        "deleted_at": at,
        "deleted_by": actor.user,
        "deletion_cause": cause,
        "purge_at": until,
        "updated_at": at,
    }
    Version.objects.filter(pk__in=list(versions)).update(**changes)
    for version in versions.values():
        for field, value in changes.items():
            setattr(version, field, value)
    count(places, -1, at)
    act = "version.expire" if cause == Version.Cause.EXPIRY else "version.delete"
    events.append(
        events.make(
            actor,
            act,
            collection=row.collection,
            version=row.version,
            subject=row.name,
            before={"aliases": [entry["alias"] for entry in row.version.lost_aliases]},
            after={"purge_at": until.isoformat()},
        )
        for row in rows
    )
    return left


def _take_aliases(actor: Actor, versions: dict[int, Version], how: str) -> dict[int, latest.Holder]:
    """Take the aliases from versions, which remember them; return those that held `latest`, by collection."""
    held = Alias.objects.filter(membership__version__in=list(versions))
    left: dict[int, latest.Holder] = {}
    gone: list[Moved] = []
    for version in versions.values():
        version.lost_aliases = []
    for version_id, number, collection_id, name in held.values_list(
        "membership__version_id", "membership__number", "collection_id", "name"
    ):
        versions[version_id].lost_aliases.append({"collection": collection_id, "alias": name})
        gone.append(Moved(collection_id, name, None))
        if name == aliases.LATEST:
            left[collection_id] = latest.Holder(number, version_id)
    held.delete()
    if gone:
        alias_moves.write(actor, gone, how)
    losers = [version for version in versions.values() if version.lost_aliases]
    Version.objects.bulk_update(losers, ["lost_aliases"])
    return left


def places_of(version_ids: Sequence[int] | dict[int, Version]) -> Counter[int]:
    """Count how many of some versions each collection shows, and lock all beside their own, which is locked."""
    rows = Membership.objects.filter(version__in=list(version_ids))
    found = list(rows.values_list("collection_id", "version__sequence_id"))
    if links := {place for place, sequence in found if place != sequence}:
        locks.lock_rows(links)
    return Counter(place for place, _ in found)


def count(places: Counter[int], sign: int, at: datetime) -> None:
    """Keep the totals of collections."""
    for collection_id, number in places.items():
        Collection.objects.filter(pk=collection_id).update(
            version_count=F("version_count") + sign * number, updated_at=at
        )

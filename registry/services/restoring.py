"""Out of the trash: versions come back with their aliases, and live on when they would expire at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction

from registry.actor import Actor
from registry.errors import Forbidden, Gone, NotInTrash
from registry.models import Alias, Collection, Event, Membership, Version
from registry.policy import Act, check
from registry.services import (
    alias_moves,
    aliases,
    events,
    latest,
    locks,
    protection,
    sequences,
    trashing,
    ttls,
    words,
)
from registry.services._common import now
from registry.services.alias_moves import How, Moved
from registry.services.sourcing import check_source


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and which aliases had moved on: (alias, the version that holds it now).

    `kept` says that the version would have expired at once and now has the TTL "never".
    """

    membership: Membership
    aliases_back: list[str]
    aliases_moved_on: list[tuple[str, str]]
    kept: bool


@dataclass(slots=True)
class RestoredCollection:
    """What came back with a collection; `kept` counts versions that now have the TTL "never"."""

    collection: Collection
    versions: int = 0
    aliases_back: list[str] = field(default_factory=list)
    aliases_moved_on: list[tuple[str, str]] = field(default_factory=list)
    kept: int = 0


@dataclass(slots=True)
class _Names:
    """The aliases of one version that came back, and those that another holds by now."""

    back: list[str] = field(default_factory=list)
    moved_on: list[tuple[str, str]] = field(default_factory=list)


def restore(actor: Actor, *, membership: Membership) -> Restored:
    """Put a version back with its aliases and tags; an alias that moved on meanwhile is reported, not stolen."""
    project = membership.version.sequence.project
    check_source(actor, Act.DELETE, membership)
    with transaction.atomic():
        [sequence] = locks.lock_rows([membership.version.sequence_id])
        version = Version.objects.select_for_update().get(pk=membership.version_id)
        check_in_trash(membership, version)
        locks.hold_project(project)
        if sequence.deleted_at is not None:
            bring_back(actor, sequence)
        names, kept = restore_all(actor, [membership.pk], now())
        mine = names[membership.version_id]
        if latest.of_the_only(actor, version):
            mine.back.append(aliases.LATEST)
    membership.version.refresh_from_db()
    return Restored(membership, mine.back, mine.moved_on, bool(kept))


def bring_back(actor: Actor, collection: Collection) -> None:
    """Undo the deletion of a collection, which is locked."""
    try:
        with transaction.atomic():
            Collection.objects.filter(pk=collection.pk).update(deleted_at=None, purge_at=None)
    except IntegrityError:
        sentence = (
            f"{collection.name} was deleted, and another collection has its name now. "
            f"Rename that one, then restore again."
        )
        raise sequences.name_taken(collection.project, collection.name, sentence) from None
    events.record(actor, "collection.restore", collection=collection, subject=str(collection))


def restore_all(
    actor: Actor, membership_ids: Sequence[int], at: datetime, *, judged: bool = False
) -> tuple[dict[int, _Names], set[int]]:
    """Put versions of one sequence back, which is locked; a few queries, however many they are.

    `judged` says that who does it may keep what has expired, by a right to more than this sequence.

    Returns the aliases by version, and the versions that are kept from expiring at once.
    """
    rows = list(Membership.objects.for_listing().without_cards().filter(pk__in=membership_ids).order_by("pk"))
    versions = {row.version_id: row.version for row in rows}
    places = trashing.places_of(versions)
    names, told = _give_back_aliases(actor, versions, latest.numbers(places))
    words.of_marks(Membership.objects.filter(version__in=list(versions)))
    causes = {pk: version.deletion_cause for pk, version in versions.items()}
    Version.objects.filter(pk__in=list(versions)).update(
        state=Version.State.COMMITTED,
        deleted_at=None,
        deleted_by=None,
        deletion_cause="",
        purge_at=None,
        lost_aliases=[],
        updated_at=at,
    )
    trashing.count(places, +1, at)
    kept = _keep(actor, rows, at, judged)
    events.append([*(_told(actor, row, causes, names, kept) for row in rows), *told])
    return names, kept


def _keep(actor: Actor, rows: Sequence[Membership], at: datetime, judged: bool) -> set[int]:
    """Let live what would expire at once, by the aliases it has again; who may not set a TTL may not do that."""
    found = ttls.effective_for(rows)
    due = {row.version_id for row in rows if (ends := found[row.pk].due_at) is not None and ends <= at}
    if not due:
        return due
    project = rows[0].version.sequence.project
    try:
        if not judged:
            check(actor, Act.SET_TTL, project)
    except Forbidden as refused:
        first = next(row.name for row in rows if row.version_id in due)
        raise Forbidden(
            f"{first} has expired, and to restore it is to set its time-to-live to never. {refused}",
            **refused.details,
        ) from None
    Version.objects.filter(pk__in=due).update(ttl_kind=Version.Ttl.NEVER, ttl_seconds=None, expires_at=None)
    return due


def _told(
    actor: Actor, row: Membership, causes: dict[int, str], names: dict[int, _Names], kept: set[int]
) -> Event:
    mine = names[row.version_id]
    return events.make(
        actor,
        "version.restore",
        collection=row.collection,
        version=row.version,
        subject=row.name,
        before={"cause": causes[row.version_id]},
        after={
            "aliases": mine.back,
            "moved_on": [name for name, _ in mine.moved_on],
            "ttl": "never" if row.version_id in kept else "unchanged",
        },
    )


def check_in_trash(membership: Membership, version: Version) -> None:
    """Raise Gone for what was purged, and NotInTrash for what was not deleted."""
    if version.purged_at is not None:
        raise Gone(f"{membership.name} was purged on {version.purged_at:%Y-%m-%d} and can't be restored.")
    if version.state != Version.State.DELETED:
        raise NotInTrash(f"{membership.name} is not in the trash: nobody deleted it, or it was restored.")


def _give_back_aliases(
    actor: Actor, versions: dict[int, Version], newest: dict[int, int]
) -> tuple[dict[int, _Names], list[Event]]:
    """Give aliases back where nobody holds them by now; `latest` goes to what is the newest again.

    Returns the names by version, and the events of what `latest` was taken from.
    """
    rows = Membership.objects.filter(version__in=list(versions)).select_related(
        "version", "collection__project"
    )
    rows = rows.defer("version__description", "version__metadata")
    places = {(row.collection_id, row.version_id): row for row in rows}
    holders = _holders(versions, places)
    held = latest.holders(collection_id for collection_id, _ in places)
    risen = latest.rising(places.values(), newest, held)
    names = {pk: _Names() for pk in versions}
    for place in risen:
        names[place.version_id].back.append(aliases.LATEST)
        holders[place.collection_id, aliases.LATEST] = place.number
    back: list[Alias] = []
    came: list[Moved] = []
    # Newest first: of several that held an alias one after the other, it is the last one's.
    for place, name in sorted(_lost(versions, places), key=lambda lost: -lost[0].number):
        mine, at = names[place.version_id], (place.collection_id, name)
        if at not in holders and protection.protected_among(place.collection.project, [name]):
            # By review only, also back to where it was.
            mine.moved_on.append((name, "nobody"))
        elif at not in holders:
            holders[at] = place.number
            back.append(_alias(actor, place, name))
            came.append(Moved(place.collection_id, name, place.number))
            mine.back.append(name)
        elif holders[at] != place.number:
            mine.moved_on.append((name, f"v{holders[at]}"))
    Alias.objects.bulk_create(back)
    if came:
        alias_moves.write(actor, came, How.RESTORE)
    for mine in names.values():
        mine.back.sort()
    return names, latest.take(actor, risen, held)


def _alias(actor: Actor, place: Membership, name: str) -> Alias:
    return Alias(collection_id=place.collection_id, membership=place, name=name, created_by=actor.user)


def _lost(
    versions: dict[int, Version], places: dict[tuple[int, int], Membership]
) -> Iterator[tuple[Membership, str]]:
    for pk, version in versions.items():
        for entry in version.lost_aliases:
            if (place := places.get((entry["collection"], pk))) is not None:
                yield place, entry["alias"]


def _holders(
    versions: dict[int, Version], places: dict[tuple[int, int], Membership]
) -> dict[tuple[int, str], int]:
    """Return the numbers of those who hold what the versions lost, by collection and alias."""
    wanted = {entry["alias"] for version in versions.values() for entry in version.lost_aliases}
    rows = Alias.objects.filter(collection__in={place for place, _ in places}, name__in=wanted)
    found = rows.values_list("collection_id", "name", "membership__number")
    return {(collection_id, name): number for collection_id, name, number in found}

"""The trash: what was deleted waits there, with its aliases and tags, until it is purged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, IntegerField, Sum
from django.db.models.functions import Coalesce
from strongroom.core.names import version_number

from registry.actor import Actor, system
from registry.errors import InvalidInput, NotFound, RegistryError
from registry.models import (
    Entity,
    Event,
    Membership,
    Project,
    ReferenceWatch,
    Version,
    VersionShare,
    VersionTag,
)
from registry.models.versions import MembershipQuerySet
from registry.policy import Act, check
from registry.services import card_history, clock, events, needed
from registry.services._common import now
from registry.services._each import Each
from registry.services.restoring import Restored, check_in_trash, restore
from registry.services.sourcing import check_source
from registry.services.trashing import move, purge_date

__all__ = [
    "Restored",
    "find",
    "listing",
    "move",
    "of_entity",
    "purge",
    "purge_all",
    "purge_date",
    "purge_due",
    "restore",
    "restore_each",
]

_BATCH = 200
# Versions that are chosen at once.
MOST = 200


def listing(
    actor: Actor,
    *,
    project: Project,
    q: str | None = None,
    type: str | None = None,
    cause: str | None = None,
) -> MembershipQuerySet:
    """List a project's deleted versions that can still be restored, last deleted first.

    `q` is looked for in the names of their collections, without case; `name:v3` finds one of them.
    Each has `only_here`: the bytes that it alone uses, as last counted.
    """
    check(actor, Act.VIEW, project)
    return _narrowed(_rows().filter(collection__project=project), q, type, cause)


def of_entity(
    actor: Actor,
    *,
    entity: Entity,
    q: str | None = None,
    cause: str | None = None,
    project: str | None = None,
) -> MembershipQuerySet:
    """The same for all projects of an entity that the person sees, or for one of them by name."""
    check(actor, Act.VIEW, entity)
    seen = Project.objects.visible_to(actor.user).filter(entity=entity)
    if project:
        seen = seen.filter(name=project)
    return _narrowed(_rows().filter(collection__project__in=seen.values("pk")), q, None, cause)


def _rows() -> MembershipQuerySet:
    rows = Membership.objects.trashed().sources().for_listing().select_related("version__deleted_by")
    # Zero until the next count has looked at it: a null could not be sorted by.
    only_here = Coalesce(F("version__share__alone"), 0, output_field=IntegerField())
    counted = F("version__share__alone")
    return rows.annotate(only_here=only_here, here_as_counted=counted).order_by("-version__deleted_at", "-pk")


def _narrowed(
    rows: MembershipQuerySet, q: str | None, type: str | None, cause: str | None
) -> MembershipQuerySet:
    if q:
        name, _, ref = q.rpartition(":")
        number = version_number(ref) if name else None
        rows = rows.filter(collection__name__icontains=q if number is None else name)
        rows = rows if number is None else rows.filter(number=number)
    if type:
        rows = rows.filter(collection__type__name=type)
    return rows.filter(version__deletion_cause=cause) if cause else rows


def find(actor: Actor, *, entity: Entity, ids: Iterable[int]) -> list[Membership]:
    """Return versions in the trash of an entity by their ids, in the order of the ids; NotFound when one is not."""
    wanted = set(ids)
    if not 0 < len(wanted) <= MOST:
        raise InvalidInput(f"Choose from 1 to {MOST} versions; these are {len(wanted)}. Nothing was changed.")
    found = list(of_entity(actor, entity=entity).without_cards().filter(pk__in=wanted).order_by("pk"))
    if len(found) < len(wanted):
        raise NotFound(
            "Some of these are not in the trash any more: they were restored or purged meanwhile. "
            "Look at the trash again. Nothing was changed."
        )
    return found


def find_versions(actor: Actor, *, entity: Entity, ids: Iterable[int]) -> list[Membership]:
    """The same by the ids of versions."""
    rows = Membership.objects.filter(version__in=set(ids)).sources()
    places = dict(rows.values_list("version_id", "pk"))
    return find(actor, entity=entity, ids=[places.get(pk, 0) for pk in ids])


def check_all(actor: Actor, act: Act, rows: Iterable[Membership]) -> None:
    """Judge an act in each project that some versions were logged to, wherever they were found."""
    for row in {row.version.sequence.project_id: row for row in rows}.values():
        check_source(actor, act, row)


def sums(rows: Iterable[Membership]) -> dict[str, int]:
    """Add up what some versions have, and what they alone use."""
    found = [(row.version.size, getattr(row, "only_here", 0)) for row in rows]
    return {
        "versions": len(found),
        "size": sum(size for size, _ in found),
        "only_here": sum(only for _, only in found),
    }


def whole(actor: Actor, *, entity: Entity) -> dict[str, int]:
    """The same for the whole trash of an entity."""
    rows = of_entity(actor, entity=entity).order_by()
    found = rows.aggregate(
        versions=Count("pk"),
        size=Coalesce(Sum("version__size"), 0),
        sum_here=Coalesce(Sum("version__share__alone"), 0),
    )
    return {"versions": found["versions"], "size": found["size"], "only_here": found["sum_here"]}


def places(shares: Iterable[VersionShare]) -> list[tuple[VersionShare, Membership]]:
    """Put what was counted of versions beside where they were logged."""
    listed = list(shares)
    rows = Membership.objects.filter(version__in=[share.pk for share in listed]).sources()
    found = {row.version_id: row for row in rows.for_listing().without_cards()}
    return [(share, found[share.pk]) for share in listed if share.pk in found]


def days_of_all() -> int:
    """Return the trash period of teams that have none of their own."""
    return int(settings.TRASH_DAYS)


def restore_each(
    actor: Actor, *, rows: Sequence[Membership]
) -> tuple[list[Restored], list[tuple[str, RegistryError]]]:
    """Put versions back, each for itself; returns what came back, and why others did not."""
    back: list[Restored] = []
    failed: list[tuple[str, RegistryError]] = []
    # The oldest first: so `latest` comes back to the newest.
    for row in sorted(rows, key=lambda row: (row.collection_id, row.number)):
        try:
            back.append(restore(actor, membership=row))
        except RegistryError as error:
            failed.append((row.name, error))
    return back, failed


def purge(actor: Actor, *, rows: Sequence[Membership]) -> int:
    """Delete versions in the trash for good, now: all of them or none; what was restored meanwhile stays.

    Refused with InUse while a draft's run uses one of them.
    """
    check_all(actor, Act.PURGE, rows)
    at, done = now(), 0
    with transaction.atomic():
        for first in range(0, len(rows), _BATCH):
            some = rows[first : first + _BATCH]
            needed.refuse(
                actor, [row.version_id for row in some], some[0].name if len(some) == 1 else "One of these"
            )
            done += _claim(actor, [row.version_id for row in some], at)
        if len(rows) == 1 and not done:
            check_in_trash(rows[0], Version.objects.get(pk=rows[0].version_id))
    return done


def purge_all(actor: Actor, *, entity: Entity) -> tuple[int, int]:
    """Delete for good all that the trash of an entity held when this began; returns how many, and how many stay.

    What a draft's run uses stays, until that is done.
    """
    check(actor, Act.PURGE, entity)
    done, kept, last, until = 0, 0, 0, now()
    rows = of_entity(actor, entity=entity).without_cards().filter(version__deleted_at__lte=until)
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:_BATCH]):
        free = _not_needed(actor, batch)
        done, kept = done + purge(actor, rows=free), kept + len(batch) - len(free)
        last = batch[-1].pk
    return done, kept


def purge_of_project(actor: Actor, *, project: Project) -> int:
    """Purge all versions of a project that is deleted for good; the rights were checked."""
    done, last, at = 0, 0, now()
    rows = Version.objects.filter(sequence__project=project, state=Version.State.DELETED, purged_at=None)
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        with transaction.atomic():
            done += _claim(actor, ids, at)
        last = ids[-1]
    return done


def _not_needed(actor: Actor, batch: list[Membership]) -> list[Membership]:
    if not needed.listing(actor, [row.version_id for row in batch], ""):
        return batch
    return [row for row in batch if not needed.listing(actor, [row.version_id], "")]


def purge_due(at: datetime | None = None) -> int:
    """Purge what has been in the trash for its time: it can't be restored afterwards. Safe to run twice."""
    if (at := clock.moment(at)) is None:
        return 0
    each, last = Each("versions could not be purged"), 0
    while batch := list(Version.objects.purgeable(at).filter(pk__gt=last).order_by("pk")[:_BATCH]):
        for version in batch:
            each.do(_purge, version.pk, at)
        last = batch[-1].pk
    return each.finish()


def _purge(version_id: int, at: datetime) -> int:
    with transaction.atomic():
        return _claim(system(), [version_id], at, due=at)


def _claim(actor: Actor, version_ids: Sequence[int], at: datetime, due: datetime | None = None) -> int:
    """Purge versions, and tell of each; `due` leaves out those whose time has not come.

    The rows are locked, then judged: a restoration or a purge a moment before wins.
    """
    rows = (
        Version.objects.filter(state=Version.State.DELETED, purged_at=None)
        if due is None
        else Version.objects.purgeable(due)
    )
    mine = list(rows.select_for_update().filter(pk__in=version_ids).order_by("pk"))
    ids = [version.pk for version in mine]
    if not ids:
        return 0
    claimed = rows.filter(pk__in=ids).update(purged_at=at, manifest=None, lost_aliases=[], updated_at=at)
    card_history.forget(ids)
    VersionTag.objects.filter(version__in=ids).delete()
    # With the paths of its references that were not as recorded.
    ReferenceWatch.objects.filter(version__in=ids).delete()
    places = (
        Membership.objects.filter(version__in=ids).sources().select_related("collection__project__entity")
    )
    by_version = {row.version_id: row for row in places}
    events.append(_told(actor, version, by_version.get(version.pk)) for version in mine)
    return claimed


def _told(actor: Actor, version: Version, source: Membership | None) -> Event:
    return events.make(
        actor,
        "version.purge",
        collection=source.collection if source else None,
        version=version,
        subject=source.name if source else "",
        before={"size": version.size, "digest": version.digest},
    )

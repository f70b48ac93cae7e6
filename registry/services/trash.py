"""The trash: what was deleted waits there, with its aliases and tags, until it is purged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from registry.actor import Actor, system
from registry.errors import Gone, NameTaken, NotInTrash
from registry.models import Alias, Collection, Membership, Project, Version, VersionTag
from registry.policy import Act, check
from registry.services import events
from registry.services._common import now

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and which aliases had moved on: (alias, the version that holds it now).

    `kept` says that the version had expired and now has the TTL "never", else it would expire again at once.
    """

    membership: Membership
    aliases_back: list[str]
    aliases_moved_on: list[tuple[str, str]]
    kept: bool


def listing(actor: Actor, *, project: Project) -> QuerySet[Membership]:
    """List a project's deleted versions that can still be restored, last deleted first."""
    check(actor, Act.VIEW, project)
    rows = Membership.objects.trashed().sources().filter(collection__project=project)
    return rows.for_listing().select_related("version__deleted_by").order_by("-version__deleted_at", "-pk")


def move(actor: Actor, membership: Membership, *, cause: str, at: datetime | None = None) -> None:
    """Move a committed version to the trash; call it with the collection locked and the rules checked."""
    at = at or now()
    version = membership.version
    held = Alias.objects.filter(membership__version=version)
    lost = [{"collection": alias.collection_id, "alias": alias.name} for alias in held]
    held.delete()
    version.state = Version.State.DELETED
    version.deleted_at, version.deleted_by, version.deletion_cause = at, actor.user, cause
    version.purge_at = purge_date(at)
    version.lost_aliases, version.updated_at = lost, at
    version.save(
        update_fields=[
            "state",
            "deleted_at",
            "deleted_by",
            "deletion_cause",
            "purge_at",
            "lost_aliases",
            "updated_at",
        ]
    )
    _count(version, -1, at)
    events.record(
        actor,
        "version.expire" if cause == Version.Cause.EXPIRY else "version.delete",
        collection=membership.collection,
        version=version,
        subject=membership.name,
        before={"aliases": [entry["alias"] for entry in lost]},
        after={"purge_at": version.purge_at.isoformat()},
    )


def purge_date(at: datetime) -> datetime:
    """Until when what is deleted at `at` can be restored."""
    return at + timedelta(days=settings.TRASH_DAYS)


def restore(actor: Actor, *, membership: Membership) -> Restored:
    """Put a version back with its aliases and tags; an alias that moved on meanwhile is reported, not stolen."""
    check(actor, Act.DELETE, membership.collection.project)
    with transaction.atomic():
        collection = Collection.objects.select_for_update().get(pk=membership.collection_id)
        version = Version.objects.select_for_update().get(pk=membership.version_id)
        _check_restorable(membership, version)
        if collection.deleted_at is not None:
            _bring_back(actor, collection)
        back, moved_on = _give_back_aliases(version, membership)
        at = now()
        kept = version.deletion_cause == Version.Cause.EXPIRY
        never = {"ttl_kind": Version.Ttl.NEVER, "ttl_seconds": None, "expires_at": None} if kept else {}
        Version.objects.filter(pk=version.pk).update(
            state=Version.State.COMMITTED,
            deleted_at=None,
            deleted_by=None,
            deletion_cause="",
            purge_at=None,
            lost_aliases=[],
            updated_at=at,
            **never,
        )
        _count(version, +1, at)
        events.record(
            actor,
            "version.restore",
            collection=membership.collection,
            version=version,
            subject=membership.name,
            before={"cause": version.deletion_cause},
            after={
                "aliases": back,
                "moved_on": [name for name, _ in moved_on],
                "ttl": "never" if kept else "unchanged",
            },
        )
    membership.version.refresh_from_db()
    return Restored(membership, back, moved_on, kept)


def purge_due(at: datetime | None = None) -> int:
    """Purge what has been in the trash for its time: it can't be restored afterwards. Safe to run twice."""
    at = at or now()
    purged, last = 0, 0
    while batch := list(Version.objects.purgeable(at).filter(pk__gt=last).order_by("pk")[:_BATCH]):
        purged += sum(_purge(version, at) for version in batch)
        last = batch[-1].pk
    return purged


def _purge(version: Version, at: datetime) -> bool:
    with transaction.atomic():
        # A conditional update claims it: a restore a moment before wins.
        claimed = (
            Version.objects.purgeable(at)
            .filter(pk=version.pk)
            .update(purged_at=at, manifest=None, lost_aliases=[], updated_at=at)
        )
        if claimed:
            VersionTag.objects.filter(version=version).delete()
            source = (
                Membership.objects.filter(version=version)
                .sources()
                .select_related("collection__project")
                .first()
            )
            events.record(
                system(),
                "version.purge",
                collection=source.collection if source else None,
                version=version,
                subject=source.name if source else "",
                before={"size": version.size, "digest": version.digest},
            )
    return bool(claimed)


def _check_restorable(membership: Membership, version: Version) -> None:
    if version.purged_at is not None:
        raise Gone(f"{membership.name} was purged on {version.purged_at:%Y-%m-%d} and can't be restored.")
    if version.state != Version.State.DELETED:
        raise NotInTrash(f"{membership.name} is not in the trash: there is nothing to restore.")


def _bring_back(actor: Actor, collection: Collection) -> None:
    """Undo the deletion of a collection for the first of its versions that is restored."""
    try:
        with transaction.atomic():
            Collection.objects.filter(pk=collection.pk).update(deleted_at=None)
    except IntegrityError:
        raise NameTaken(
            f"{collection.name} was deleted, and another collection has its name now. "
            f"Rename that one, then restore again.",
            name=collection.name,
        ) from None
    events.record(actor, "collection.restore", collection=collection, subject=str(collection))


def _give_back_aliases(version: Version, membership: Membership) -> tuple[list[str], list[tuple[str, str]]]:
    back: list[str] = []
    moved_on: list[tuple[str, str]] = []
    places = {row.collection_id: row for row in Membership.objects.filter(version=version)}
    for entry in version.lost_aliases:
        place = places.get(entry["collection"])
        if place is None:
            continue
        holder = (
            Alias.objects.filter(collection_id=place.collection_id, name=entry["alias"])
            .select_related("membership")
            .first()
        )
        if holder is not None:
            moved_on.append((entry["alias"], f"v{holder.membership.number}"))
            continue
        Alias.objects.create(collection_id=place.collection_id, membership=place, name=entry["alias"])
        back.append(entry["alias"])
    return back, moved_on


def _count(version: Version, change: int, at: datetime) -> None:
    places = Membership.objects.filter(version=version).values("collection_id")
    Collection.objects.filter(pk__in=places).update(version_count=F("version_count") + change, updated_at=at)

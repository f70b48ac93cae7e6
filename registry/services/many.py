"""Acts on several versions of one collection at once: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from strongroom.core.names import check_tags
from strongroom.core.ttl import Ttl, parse_ttl

from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, NotFound
from registry.models import Collection, Event, Membership, Version
from registry.policy import Act, check
from registry.services import events, locks, tags, trash, trashing, ttls
from registry.services._common import DeleteAliases, refuse_held
from registry.services.restoring import Restored

MOST = 200


def find(actor: Actor, collection: Collection, numbers: Iterable[int]) -> list[Membership]:
    """Return the versions of these numbers, the newest first; NotFound names those that are not there."""
    check(actor, Act.VIEW, collection.project)
    if collection.kind != Collection.Kind.SEQUENCE:
        raise Conflict(f"{collection.name} holds links. Change the versions where they were logged.")
    wanted = set(numbers)
    if not 0 < len(wanted) <= MOST:
        raise InvalidInput(f"Choose from 1 to {MOST} versions; these are {len(wanted)}. Nothing was changed.")
    rows = Membership.objects.committed().for_listing().without_cards()
    rows = rows.filter(collection=collection, number__in=wanted)
    found = list(rows.order_by("-number"))
    missing = sorted(wanted - {row.number for row in found})
    if missing:
        names = ", ".join(f"v{number}" for number in missing[:10])
        raise NotFound(
            f"{collection.name} has no version {names}: it may have been deleted meanwhile. Nothing was changed."
        )
    return found


def tag(
    actor: Actor, *, collection: Collection, numbers: Iterable[int], add: list[str], remove: list[str]
) -> list[Membership]:
    """Add tags to versions and take others away; having or lacking one already is fine."""
    check(actor, Act.EDIT, collection.project)
    wanted, unwanted = check_tags(add), set(check_tags(remove))
    if not wanted and not unwanted:
        raise InvalidInput("Name a tag to add or to remove.", field="add")
    with transaction.atomic():
        locks.lock(collection)
        rows = find(actor, collection, numbers)
        for row in rows:
            held = row.version.held_tags()
            tags.replace(
                actor, row, [name for name in dict.fromkeys([*held, *wanted]) if name not in unwanted]
            )
    return rows


def set_ttl(
    actor: Actor, *, collection: Collection, numbers: Iterable[int], ttl: str | int | None
) -> list[Membership]:
    """Give versions one time-to-live: a few statements, however many they are."""
    check(actor, Act.EDIT, collection.project)
    check(actor, Act.SET_TTL, collection.project)
    wanted, at = parse_ttl(ttl), timezone.now()
    with transaction.atomic():
        locks.lock(collection)
        rows = find(actor, collection, numbers)
        changed = [row for row in rows if ttls.as_value(row.version) != wanted]
        told = [_of_ttl(actor, row, wanted) for row in changed]
        for row in changed:
            for name, value in ttls.columns(row.version.created_at, wanted).items():
                setattr(row.version, name, value)
            row.version.updated_at = at
        fields = ["ttl_kind", "ttl_seconds", "expires_at", "updated_at"]
        Version.objects.bulk_update([row.version for row in changed], fields)
        if changed:
            Collection.objects.filter(pk=collection.pk).update(updated_at=at)
        events.append(told)
    return rows


def _of_ttl(actor: Actor, row: Membership, ttl: Ttl) -> Event:
    before = {"ttl": ttls.as_value(row.version)}
    return events.make(actor, "version.edit", collection=row.collection, version=row.version, subject=row.name,
                       before=before, after={"ttl": ttl})  # fmt: skip


def delete(
    actor: Actor, *, collection: Collection, numbers: Iterable[int], delete_aliases: DeleteAliases = False
) -> list[Membership]:
    """Move versions of a sequence to the trash; refused while one holds aliases, unless told to delete them too."""
    check(actor, Act.DELETE, collection.project)
    with transaction.atomic():
        locks.lock(collection)
        rows = find(actor, collection, numbers)
        held = sorted(name for row in rows for name in row.held_aliases())
        refuse_held("What you chose", held, delete_aliases)
        at = timezone.now()
        until = trashing.purge_date(at, collection.project.entity)
        trashing.move_all(actor, [rows], cause=Version.Cause.PERSON, at=at, until=until)
    return rows


def restore(actor: Actor, *, collection: Collection, numbers: Iterable[int]) -> list[Restored]:
    """Put versions back that were deleted; those that are there already stay as they are."""
    check(actor, Act.DELETE, collection.project)
    rows = Membership.objects.trashed().sources().for_listing()
    with transaction.atomic():
        locks.lock(collection)
        # The oldest first: so `latest` comes back to the newest.
        found = rows.filter(collection=collection, number__in=set(numbers)).order_by("number")
        return [trash.restore(actor, membership=row) for row in list(found)[:MOST]]

"""Acts on several versions of one collection at once: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from strongroom.core.names import check_tags

from registry.actor import Actor
from registry.errors import InvalidInput, NotFound
from registry.models import Collection, Membership, Version
from registry.policy import Act, check
from registry.services import locks, tags, trash, trashing, versions
from registry.services._common import DeleteAliases, refuse_held
from registry.services.restoring import Restored

MOST = 200


def find(actor: Actor, collection: Collection, numbers: Iterable[int]) -> list[Membership]:
    """Return the versions of these numbers, the newest first; NotFound names those that are not there."""
    check(actor, Act.VIEW, collection.project)
    wanted = set(numbers)
    if not 0 < len(wanted) <= MOST:
        raise InvalidInput(f"Choose from 1 to {MOST} versions; these are {len(wanted)}. Nothing was changed.")
    rows = Membership.objects.committed().for_listing().filter(collection=collection, number__in=wanted)
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
    """Give versions one time-to-live."""
    with transaction.atomic():
        locks.lock(collection)
        rows = find(actor, collection, numbers)
        return [versions.edit(actor, membership=row, ttl=ttl) for row in rows]


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
        trashing.move_all(actor, [rows], cause=Version.Cause.PERSON, at=timezone.now())
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

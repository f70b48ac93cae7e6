"""Locks on collections: whatever belongs to one is changed only with it locked."""

from __future__ import annotations

from collections.abc import Iterable

from registry.errors import NotFound
from registry.models import Collection, Membership


def lock(collection: Collection) -> Collection:
    """Lock a collection: always the parent before its children, so that no two wait for each other."""
    row = next((row for row in lock_rows([collection.pk]) if row.deleted_at is None), None)
    if row is None:
        raise NotFound(f"{collection.project} has no collection {collection.name}: it was deleted meanwhile.")
    return row


def lock_places(membership: Membership) -> Collection:
    """Lock where a version was logged and then where it is met, if that is a link; return the latter.

    This is the one order for all that changes a version: its sequence first, then other collections by
    their ids. A link must not be edited beside a deletion of its source.
    """
    sequence = lock(membership.version.sequence)
    return lock(membership.collection) if membership.is_link else sequence


def lock_rows(ids: Iterable[int]) -> list[Collection]:
    """Lock collections in the order of their ids, deleted ones, too."""
    rows = Collection.objects.select_for_update(of=("self",)).select_related("type", "project__entity")
    return list(rows.filter(pk__in=list(ids)).order_by("pk"))

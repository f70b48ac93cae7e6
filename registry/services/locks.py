"""Locks on collections: whatever belongs to one is changed only with it locked."""

from __future__ import annotations

from collections.abc import Iterable

from registry.errors import NotFound
from registry.models import Collection, Entity, Membership, Project


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


def hold_project(project: Project) -> None:
    """Keep a project from being deleted until the transaction ends; call it after locks on its collections.

    What is made, or brought back, in a project that was deleted a moment before would be nobody's.
    """
    rows = Project.objects.live().filter(pk=project.pk, entity__deleted_at=None)
    if not list(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)):
        raise NotFound(f"Project {project} is not there any more: it was deleted meanwhile.")


def hold_entity(entity: Entity) -> None:
    """The same of a team, or of a person's own space."""
    rows = Entity.objects.filter(pk=entity.pk, deleted_at=None)
    if not list(rows.select_for_update(of=("self",), no_key=True).values_list("pk", flat=True)):
        raise NotFound(f"{entity.name} is not there any more: it was deleted meanwhile.")

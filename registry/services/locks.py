"""Locks on collections: whatever belongs to one is changed only with it locked."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

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


def lock_registry(project: Project) -> None:
    """Lock a registry's own row, for one who changes what it says of itself."""
    if Project.objects.live().select_for_update().filter(pk=project.pk).first() is None:
        raise NotFound(f"The registry {project} was deleted meanwhile. Nothing was changed.")


def hold_project(project: Project) -> None:
    """Keep a project from being deleted until the transaction ends; call it after locks on its collections.

    What is made, or brought back, in a project that was deleted a moment before would be nobody's. Only a deletion
    waits for this lock, and is waited for: not others who add to the project, or note that it changed.
    """
    if not _hold(Project, project.pk, "FOR KEY SHARE"):
        raise NotFound(f"Project {project} is not there any more: it was deleted meanwhile.")


def hold_entity(entity: Entity) -> None:
    """The same of a team, or of a person's own space; its deletion takes a weaker lock."""
    if not _hold(Entity, entity.pk, "FOR SHARE"):
        raise NotFound(f"{entity.name} is not there any more: it was deleted meanwhile.")


def _hold(model: type[Project | Entity], pk: int, how: str) -> bool:
    table = connection.ops.quote_name(model._meta.db_table)
    # SQLite knows one writer at a time.
    share = how if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s AND deleted_at IS NULL {share}", [pk])  # noqa: S608  # names of ours only
        return cursor.fetchone() is not None

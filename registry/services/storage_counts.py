"""What was counted of stored bytes, for who looks at it."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet
from strongroom.core.names import version_number

from registry.actor import Actor
from registry.models import Entity, Event, Membership, Project, StorageCount, StorageShare, VersionShare
from registry.policy import Act, check
from registry.services._common import now

# After these bytes come back.
FREEING = ("version.purge", "project.purge", "storage.collect")
_YEAR = timedelta(days=366)


def last(actor: Actor, *, entity: Entity) -> StorageCount | None:
    """Return the last count of an entity; None before the first."""
    check(actor, Act.VIEW, entity)
    return StorageCount.objects.filter(entity=entity).order_by("-day").first()


def history(actor: Actor, *, entity: Entity) -> list[StorageCount]:
    """Return a count of each day of the last year on which there was one, the oldest first."""
    check(actor, Act.VIEW, entity)
    since = (now() - _YEAR).date()
    return list(StorageCount.objects.filter(entity=entity, day__gte=since).order_by("day"))


def collections(
    actor: Actor, *, entity: Entity, q: str | None = None, project: str | None = None
) -> QuerySet[StorageShare]:
    """List the collections that the person sees with what was counted of each."""
    check(actor, Act.VIEW, entity)
    rows = StorageShare.objects.filter(entity=entity, collection__deleted_at=None).exclude(collection=None)
    rows = rows.filter(project__in=_seen(actor, entity)).select_related("collection__project__entity")
    if q:
        rows = rows.filter(collection__name__icontains=q)
    return rows.filter(project__name=project) if project else rows


def versions(
    actor: Actor, *, entity: Entity, q: str | None = None, project: str | None = None
) -> QuerySet[VersionShare]:
    """List the live versions that the person sees with what each alone uses, and since when it lies idle.

    `q` is looked for in the names of their collections, without case; `name:v3` finds one of them.
    """
    check(actor, Act.VIEW, entity)
    rows = VersionShare.objects.filter(entity=entity, live=True, version__state="COMMITTED")
    rows = rows.filter(version__sequence__project__in=_seen(actor, entity))
    if project:
        rows = rows.filter(version__sequence__project__name=project)
    if not q:
        return rows
    name, _, ref = q.rpartition(":")
    number = version_number(ref) if name else None
    if number is None:
        return rows.filter(version__sequence__name__icontains=q)
    here = Membership.objects.filter(
        version=OuterRef("version"), collection=OuterRef("version__sequence"), number=number
    )
    return rows.filter(Exists(here), version__sequence__name__icontains=name)


def alone(version_id: int) -> int | None:
    """Return the bytes that a version alone uses, as last counted; None before."""
    return VersionShare.objects.filter(pk=version_id).values_list("alone", flat=True).first()


def freed(actor: Actor, *, entity: Entity) -> QuerySet[Event]:
    """List what was deleted for good, and what collections freed."""
    check(actor, Act.VIEW, entity)
    seen = Event.objects.filter(entity_id=entity.pk, act__in=FREEING)
    return seen.filter(project_id__in=_seen(actor, entity)) | seen.filter(project_id=None)


def _seen(actor: Actor, entity: Entity) -> QuerySet[Project]:
    return Project.objects.visible_to(actor.user).filter(entity=entity)

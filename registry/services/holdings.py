"""What each entity holds: versions, bytes that they name, and bytes that the store keeps for it."""

from __future__ import annotations

import shutil
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from registry.actor import Actor
from registry.models import Blob, Entity, Project, StorageCount, StorageShare, Version
from registry.policy import Act, check
from registry.services import projects, survey


class Totals(NamedTuple):
    """The installation as a whole; `stored` and `free`, what the disk of the data folder has left, in bytes."""

    stored: int
    blobs: int
    versions: int
    free: int


def listing(actor: Actor, *, q: str | None = None) -> QuerySet[Entity]:
    """List all entities with `stored` bytes (contents once), `versions`, the bytes they `named`, and the `trash`."""
    check(actor, Act.ADMINISTER, None)
    rows = _with_figures(Entity.objects, "sequence__project__entity").order_by("folded")
    newest = StorageCount.objects.filter(entity=OuterRef("pk")).order_by("-day")
    # As last counted; added up only for whom nothing was counted yet.
    added_up = _of(Blob.objects.all(), "scope", Sum("size"))
    kept = Subquery(newest.values("stored")[:1], output_field=IntegerField())
    rows = rows.annotate(stored=Coalesce(kept, added_up)).select_related("team")
    return rows.filter(name__icontains=q) if q else rows


def stored(actor: Actor, entity: Entity) -> int:
    """Add up the bytes that the store keeps for an entity, equal contents once."""
    check(actor, Act.VIEW, entity)
    return survey.stored(entity)


def of_projects(actor: Actor, *, entity: Entity, q: str | None = None) -> QuerySet[Project]:
    """List the entity's projects that the person sees, with the same figures; `stored` and `alone` as last counted.

    `stored` is what the project's live versions reach, `alone` what no other project of the entity reaches.
    """
    check(actor, Act.VIEW, entity)
    rows = _with_figures(projects.listing(actor, entity=entity, q=q), "sequence__project")
    return rows.annotate(stored=_counted("stored"), alone=_counted("alone"))


def _counted(field: str) -> Coalesce:
    own = StorageShare.objects.filter(project=OuterRef("pk"), collection=None)
    return Coalesce(Subquery(own.values(field), output_field=IntegerField()), 0)


def totals(actor: Actor) -> Totals:
    """Add up what the store keeps, and say what the disk has left."""
    check(actor, Act.ADMINISTER, None)
    newest = StorageCount.objects.filter(entity=OuterRef("entity")).order_by("-day").values("pk")[:1]
    counted = StorageCount.objects.filter(pk=Subquery(newest)).aggregate(
        rows=Count("pk"), size=Sum("stored"), n=Sum("blobs"), versions=Sum("versions")
    )
    if not counted["rows"]:
        # Before the first count of all: there is little to add up then.
        counted = Blob.objects.aggregate(n=Count("pk"), size=Coalesce(Sum("size"), 0))
        counted["versions"] = Version.objects.filter(state=Version.State.COMMITTED).count()
    free = shutil.disk_usage(settings.DATA_DIR).free
    return Totals(counted["size"], counted["n"], counted["versions"], free)


def _with_figures(rows: Any, owner: str) -> Any:
    """Add what the versions of each row are and have, and what its trash has."""
    committed = Version.objects.filter(state=Version.State.COMMITTED)
    trashed = Version.objects.filter(state=Version.State.DELETED, purged_at=None)
    return rows.annotate(
        versions=_of(committed, owner, Count("pk")),
        named=_of(committed, owner, Sum("size")),
        trash=_of(trashed, owner, Sum("size")),
    )


def _of(rows: QuerySet[Model], owner: str, what: Count | Sum) -> Coalesce:
    """Compute one figure of the rows that belong to an entity."""
    own = rows.filter(**{owner: OuterRef("pk")}).order_by().values(owner).annotate(figure=what)
    return Coalesce(Subquery(own.values("figure"), output_field=IntegerField()), 0)

"""What each entity holds: versions, bytes that they name, and bytes that the store keeps for it."""

from __future__ import annotations

import shutil
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Exists, IntegerField, Model, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from registry.actor import Actor
from registry.models import Blob, Entity, Project, StorageCount, StorageShare, Version
from registry.policy import Act, check
from registry.services import projects, survey
from registry.storage import backends


class Totals(NamedTuple):
    """The installation as a whole; `stored` and `free`, what the disk of the data folder has left, in bytes.

    `place` says where the bytes lie.
    """

    stored: int
    blobs: int
    versions: int
    free: int
    place: str


def listing(actor: Actor, *, q: str | None = None) -> QuerySet[Entity]:
    """List all entities with `stored` bytes (contents once), `versions`, the bytes they `named`, and the `trash`.

    All as last counted; added up only for whom nothing was counted yet.
    """
    check(actor, Act.ADMINISTER, None)
    newest = StorageCount.objects.filter(entity=OuterRef("pk")).order_by("-day")[:1]
    added_up = _of(Blob.objects.all(), "scope", Sum("size"))
    rows = _with_figures(Entity.objects, newest, "sequence__project__entity").order_by("folded")
    rows = rows.annotate(stored=Coalesce(_kept(newest, "stored"), added_up)).select_related("team")
    return rows.filter(name__icontains=q) if q else rows


def stored(actor: Actor, entity: Entity) -> int:
    """Add up the bytes that the store keeps for an entity, equal contents once."""
    check(actor, Act.VIEW, entity)
    return survey.stored(entity)


def of_projects(actor: Actor, *, entity: Entity, q: str | None = None) -> QuerySet[Project]:
    """List the entity's projects that the person sees, with the same figures, as last counted.

    `stored` is what the project's live versions reach, `alone` what no other project of the entity reaches.
    """
    check(actor, Act.VIEW, entity)
    own = StorageShare.objects.filter(project=OuterRef("pk"), collection=None)
    rows = _with_figures(projects.listing(actor, entity=entity, q=q), own, "sequence__project")
    return rows.annotate(stored=Coalesce(_kept(own, "stored"), 0), alone=Coalesce(_kept(own, "alone"), 0))


def totals(actor: Actor) -> Totals:
    """Add up what the store keeps, as the list says it of each, and say what the disk has left."""
    check(actor, Act.ADMINISTER, None)
    newest = StorageCount.objects.filter(entity=OuterRef("entity")).order_by("-day").values("pk")[:1]
    counted = StorageCount.objects.filter(pk=Subquery(newest)).aggregate(
        n=_sum("blobs"), size=_sum("stored"), versions=_sum("versions")
    )
    rest = Entity.objects.exclude(Exists(StorageCount.objects.filter(entity=OuterRef("pk")))).values("pk")
    fresh = Blob.objects.filter(scope__in=rest).aggregate(n=Count("pk"), size=_sum("size"))
    committed = Version.objects.filter(
        state=Version.State.COMMITTED, sequence__project__entity__in=rest
    ).count()
    free = shutil.disk_usage(settings.DATA_DIR).free
    backend = backends.current()
    # A path on the disk is its operator's business.
    place = "the data folder" if backend.kind == "local" else backend.place
    return Totals(
        counted["size"] + fresh["size"],
        counted["n"] + fresh["n"],
        counted["versions"] + committed,
        free,
        place,
    )


def _sum(field: str) -> Coalesce:
    return Coalesce(Sum(field), 0)


def _kept(counted: QuerySet[Any], field: str) -> Subquery:
    """Read one figure of what was counted of a row; null where nothing was."""
    return Subquery(counted.values(field), output_field=IntegerField())


def _with_figures(rows: Any, counted: QuerySet[Any], owner: str) -> Any:
    """Add what the versions of each row are and have, and what its trash has: as counted, else added up."""
    committed = Version.objects.filter(state=Version.State.COMMITTED)
    trashed = Version.objects.filter(state=Version.State.DELETED, purged_at=None)
    return rows.annotate(
        versions=Coalesce(_kept(counted, "versions"), _of(committed, owner, Count("pk"))),
        named=Coalesce(_kept(counted, "named"), _of(committed, owner, Sum("size"))),
        trash=Coalesce(_kept(counted, "trash"), _of(trashed, owner, Sum("size"))),
    )


def _of(rows: QuerySet[Model], owner: str, what: Count | Sum) -> Coalesce:
    """Compute one figure of the rows that belong to an entity."""
    own = rows.filter(**{owner: OuterRef("pk")}).order_by().values(owner).annotate(figure=what)
    return Coalesce(Subquery(own.values("figure"), output_field=IntegerField()), 0)

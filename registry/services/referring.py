"""Versions that refer to entries of others: noted with their content, shown in lineage, told before a deletion."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from registry import manifests
from registry.actor import Actor
from registry.models import Membership, Project, Version, VersionReference
from registry.policy import Act, check

_BATCH = 500


def put(actor: Actor, version: Version, ids: Collection[int], *, anew: bool = False) -> None:
    """Note to which other versions the entries of a version refer, those that the person sees.

    Others are left out: nobody should learn of, or warn about, a version by guessing its number. `anew` replaces
    what an earlier manifest of the draft referred to.
    """
    if anew:
        VersionReference.objects.filter(source=version).delete()
    wanted = sorted(set(ids) - {version.pk})
    for first in range(0, len(wanted), _BATCH):
        rows = Version.objects.exclude(state=Version.State.PENDING).filter(
            pk__in=wanted[first : first + _BATCH]
        )
        seen = rows if actor.is_system else rows.visible_to(actor.user)
        VersionReference.objects.bulk_create(
            [VersionReference(source=version, target_id=pk) for pk in seen.values_list("pk", flat=True)],
            ignore_conflicts=True,
        )


def targets(actor: Actor, *, membership: Membership) -> QuerySet[Membership]:
    """List the versions whose entries a version refers to, those that are there and that one may see."""
    check(actor, Act.VIEW, membership.collection.project)
    edges = VersionReference.objects.filter(source=membership.version_id)
    return _shown(actor, edges.values("target"))


def sources(actor: Actor, *, membership: Membership) -> QuerySet[Membership]:
    """List the versions that refer to entries of a version, those that are there and that one may see."""
    check(actor, Act.VIEW, membership.collection.project)
    edges = VersionReference.objects.filter(target=membership.version_id)
    return _shown(actor, edges.values("source"))


def behind(actor: Actor, uri: str) -> tuple[Membership, str] | None:
    """Return the version and the path that a reference to another artifact's entry names, if one may see it."""
    number = manifests.version_of(uri)
    if number is None:
        return None
    seen = Project.objects.visible_to(actor.user).values("pk")
    rows = Membership.objects.committed().sources().filter(version=number, collection__project__in=seen)
    found = rows.select_related("collection__project__entity").first()
    return None if found is None else (found, manifests.path_of(uri))


def _shown(actor: Actor, ids: QuerySet[VersionReference, Any]) -> QuerySet[Membership]:
    seen = Project.objects.visible_to(actor.user).values("pk")
    rows = Membership.objects.committed().sources().filter(version__in=ids, collection__project__in=seen)
    return rows.for_listing()

"""Finding things by their names, across all projects that one may see."""

from __future__ import annotations

from dataclasses import dataclass

from registry.actor import Actor
from registry.models import Collection, Project
from registry.policy import Act, check


@dataclass(frozen=True, slots=True)
class Found:
    """What has the words in its name."""

    projects: list[Project]
    collections: list[Collection]

    def __bool__(self) -> bool:
        return bool(self.projects or self.collections)


def by_name(actor: Actor, q: str, *, limit: int) -> Found:
    """Return projects and collections whose names hold `q`, without case, last changed first."""
    check(actor, Act.VIEW, None)
    projects = Project.objects.visible_to(actor.user).select_related("entity").filter(name__icontains=q)
    collections = Collection.objects.live().visible_to(actor.user).for_listing().filter(name__icontains=q)
    return Found(
        list(projects.order_by("-updated_at", "-pk")[:limit]),
        list(collections.order_by("-updated_at", "-pk")[:limit]),
    )

"""Finding things by their names, across all projects that one may see."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from registry.actor import Actor
from registry.models import Collection, Project
from registry.policy import Act, check
from registry.services import collections, projects


@dataclass(frozen=True, slots=True)
class Named:
    """All that has the words in its name, last changed first."""

    projects: QuerySet[Project]
    collections: QuerySet[Collection]


@dataclass(frozen=True, slots=True)
class Found:
    """The first of it."""

    projects: list[Project]
    collections: list[Collection]

    def __bool__(self) -> bool:
        return bool(self.projects or self.collections)


def named(actor: Actor, q: str) -> Named:
    """List projects and collections whose names hold `q`, without case."""
    check(actor, Act.VIEW, None)
    return Named(
        projects.listing(actor, q=q).order_by("-updated_at", "-pk"),
        collections.everywhere(actor, q=q).order_by("-updated_at", "-pk"),
    )


def by_name(actor: Actor, q: str, *, limit: int) -> Found:
    """Return the first of them."""
    rows = named(actor, q)
    return Found(list(rows.projects[:limit]), list(rows.collections[:limit]))

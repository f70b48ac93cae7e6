"""Stars: what a person keeps at hand; their own affair, and so no event."""

from __future__ import annotations

from typing import Any, TypeAlias

from registry.actor import Actor
from registry.errors import NotAuthenticated
from registry.models import Collection, Project, Star
from registry.models.prepared import Prepared
from registry.policy import Act, check

Target: TypeAlias = Project | Collection
_STARRED = Prepared[tuple[int | None, int | None]](
    lambda user: Star.objects.filter(user=user).values_list("project_id", "collection_id")
)


def put(actor: Actor, *, target: Target, on: bool) -> None:
    """Star a thing, or take the star away; safe to repeat."""
    check(actor, Act.VIEW, target.project if isinstance(target, Collection) else target)
    if actor.user is None:
        raise NotAuthenticated("Sign in to star things.")
    if on:
        Star.objects.get_or_create(user=actor.user, **_on(target))
    else:
        Star.objects.filter(user=actor.user, **_on(target)).delete()


def is_on(actor: Actor, target: Target) -> bool:
    """Tell whether the person starred a thing."""
    return actor.user is not None and Star.objects.filter(user=actor.user, **_on(target)).exists()


def listing(actor: Actor, *, limit: int) -> list[Target]:
    """Return what the person starred and may still see, the last starred first."""
    if actor.user is None or not _STARRED.all(actor.user.pk):
        return []
    seen = Project.objects.visible_to(actor.user)
    rows = Star.objects.filter(user=actor.user).select_related(
        "project__entity", "collection__type", "collection__project__entity"
    )
    rows = rows.filter(project__in=seen.values("pk")) | rows.filter(
        collection__deleted_at=None, collection__project__in=seen.values("pk")
    )
    found = [star.project or star.collection for star in rows.order_by("-created_at", "-pk")[:limit]]
    return [target for target in found if target is not None]


def places(actor: Actor) -> tuple[set[int], set[int]]:
    """Return the ids of the projects and of the collections that the person starred, seen or not."""
    rows = [] if actor.user is None else _STARRED.all(actor.user.pk)
    return {pk for pk, _ in rows if pk is not None}, {pk for _, pk in rows if pk is not None}


def _on(target: Target) -> dict[str, Any]:
    return {"collection": target} if isinstance(target, Collection) else {"project": target}

"""What events tell of: the present names of it, the places in the chain, and names that one may look for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.actor import SYSTEM, Actor
from registry.models import (
    Collection,
    Entity,
    Event,
    EventSeal,
    Membership,
    OrganizationMember,
    Project,
    TeamMember,
    User,
)
from registry.policy import Act, check
from registry.services._common import spelled

# As many of each kind are offered; all others can be typed.
_OFFERED = 200


@dataclass(frozen=True, slots=True)
class Names:
    """What events tell of, by id: an event keeps ids, which outlive every renaming."""

    entities: dict[int, str]
    projects: dict[int, str]
    collections: dict[int, str]
    numbers: dict[tuple[int, int], int]


def seals_of(rows: Sequence[Event]) -> dict[int, EventSeal]:
    """Read the places of some events in the chain, by the ids of the events."""
    return {seal.event_id: seal for seal in EventSeal.objects.filter(event_id__in=[row.pk for row in rows])}


def names_of(rows: Sequence[Event]) -> Names:
    """Read the present names of what some events tell of; four queries, however many they are."""
    collections = _ids(row.collection_id for row in rows)
    versions = _ids(row.version_id for row in rows)
    members = Membership.objects.filter(version__in=versions, collection__in=collections)
    return Names(
        dict(Entity.objects.filter(pk__in=_ids(row.entity_id for row in rows)).values_list("pk", "name")),
        dict(Project.objects.filter(pk__in=_ids(row.project_id for row in rows)).values_list("pk", "name")),
        dict(Collection.objects.filter(pk__in=collections).values_list("pk", "name")),
        {
            (collection, version): number
            for collection, version, number in members.values_list("collection_id", "version_id", "number")
        },
    )


def _ids(found: Iterable[int | None]) -> set[int]:
    return {pk for pk in found if pk is not None}


@dataclass(frozen=True, slots=True)
class Known:
    """Names that a list of events can be narrowed to."""

    people: list[str]
    entities: list[str]
    projects: list[str]
    collections: list[str]


def known(actor: Actor, entity: Entity | None, *, named: str = "", project: str = "") -> Known:
    """Offer names of an entity, or of the installation: there `named` is the entity that was chosen."""
    check(actor, Act.AUDIT, entity)
    projects = (
        Project.objects.filter(entity=entity)
        if entity
        else Project.objects.filter(entity__folded=named.casefold())
    )
    collections = Collection.objects.filter(
        project__in=projects, project__name=spelled(project), deleted_at=None
    )
    return Known(
        [*_people(entity), SYSTEM],
        [] if entity else list(Entity.objects.order_by("folded").values_list("name", flat=True)[:_OFFERED]),
        list(projects.order_by("name").values_list("name", flat=True)[:_OFFERED]),
        list(collections.order_by("name").values_list("name", flat=True)[:_OFFERED]) if project else [],
    )


def _people(entity: Entity | None) -> list[str]:
    if entity is None:
        return list(User.objects.order_by("username").values_list("username", flat=True)[:_OFFERED])
    if entity.kind == Entity.Kind.USER:
        return [entity.name]
    members = (
        TeamMember.objects.filter(team__entity=entity)
        if entity.kind == Entity.Kind.TEAM
        else OrganizationMember.objects.filter(organization__entity=entity)
    )
    return list(members.order_by("user__username").values_list("user__username", flat=True)[:_OFFERED])

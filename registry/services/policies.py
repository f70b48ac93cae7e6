"""TTL policies as their settings show them: what is set at a place, and what it would inherit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from django.db.models import Q
from strongroom.core.ttl import Ttl

from registry.actor import Actor
from registry.models import Collection, Entity, Project, TtlPolicy
from registry.policy import Act, check

Place: TypeAlias = Entity | Project | Collection


@dataclass(frozen=True, slots=True)
class Policy:
    """`ttl` is what the place itself says; `inherited` what counts where it says "inherit".

    `origin` is project, team (or person) or none, and `set_on` names that place.
    """

    ttl: Ttl
    inherited: Ttl
    origin: str
    set_on: str


def read(actor: Actor, *, target: Place) -> Policy:
    """Return the policy of a place, for those who may see the place."""
    check(actor, Act.VIEW, target.project if isinstance(target, Collection) else target)
    above = _above(target)
    wanted = Q(**{_field(target): target.pk})
    for place in above:
        wanted |= Q(**{_field(place): place.pk})
    held = {_key(row): row for row in TtlPolicy.objects.filter(wanted)}
    own = held.get((_field(target), target.pk))
    for place in above:
        found = held.get((_field(place), place.pk))
        if found is not None:
            origin = "project" if isinstance(place, Project) else "team"
            return Policy(_value(own), _value(found), origin, place.name)
    return Policy(_value(own), "never", "none", "")


def _above(target: Place) -> list[Project | Entity]:
    """The places whose policies count where this one has none, nearest first."""
    if isinstance(target, Collection):
        return [target.project, target.project.entity]
    return [target.entity] if isinstance(target, Project) else []


def _field(place: Place) -> str:
    return f"{type(place).__name__.lower()}_id"


def _key(row: TtlPolicy) -> tuple[str, int]:
    if row.collection_id is not None:
        return "collection_id", row.collection_id
    if row.project_id is not None:
        return "project_id", row.project_id
    assert row.entity_id is not None
    return "entity_id", row.entity_id


def _value(policy: TtlPolicy | None) -> Ttl:
    if policy is None:
        return "inherit"
    return "never" if policy.seconds is None else policy.seconds

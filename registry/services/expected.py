"""When each version of an entity expires under its policies, or under other ones: no model object is made of any.

The rule itself is that of `ttl_rules`; here it is told for a hundred thousand versions in a few queries.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from django.db.models import CharField
from django.db.models.functions import Cast
from strongroom.core.ttl import Ttl

from registry.models import Alias, Collection, Entity, Membership, Project, TtlPolicy, Version
from registry.services import ttl_rules
from registry.services.ttl_rules import Rules

Place: TypeAlias = Entity | Project | Collection


class Held(NamedTuple):
    """A committed version in the collection that it was logged to."""

    pk: int
    collection: int
    number: int
    version: int
    kind: str
    created_at: datetime
    own: datetime | None
    size: int
    manifest: int


class Fate(NamedTuple):
    """When a version expires, None for never; what keeps it; and whether it is the policy in question that counts."""

    held: Held
    due: datetime | None
    kept: str | None
    governed: bool


class Counting(NamedTuple):
    """The policy that counts in a collection for what inherits; `governed` where it is that of the place."""

    seconds: int | None
    origin: str
    governed: bool


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of an entity and below it: by id of a place, what is set there. None is never."""

    collections: dict[int, int | None] = field(default_factory=dict)
    projects: dict[int, int | None] = field(default_factory=dict)
    entities: dict[int, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, entity: Entity) -> Policies:
        """Read them."""
        found = cls()
        rows = TtlPolicy.objects.filter(entity=entity) | TtlPolicy.objects.filter(project__entity=entity)
        rows |= TtlPolicy.objects.filter(collection__project__entity=entity)
        held: Iterable[tuple[int | None, int | None, int | None, int | None]] = rows.values_list(
            "entity_id", "project_id", "collection_id", "seconds"
        )
        for of_entity, project, collection, seconds in held:
            if collection is not None:
                found.collections[collection] = seconds
            elif project is not None:
                found.projects[project] = seconds
            elif of_entity is not None:
                found.entities[of_entity] = seconds
        return found

    def of_kind(self, place: Place) -> dict[int, int | None]:
        """Return those of the places of one kind."""
        if isinstance(place, Collection):
            return self.collections
        return self.projects if isinstance(place, Project) else self.entities

    def at(self, place: Place) -> Ttl:
        """Return what is set at a place itself."""
        held = self.of_kind(place)
        seconds = held.get(place.pk)
        return "inherit" if place.pk not in held else "never" if seconds is None else seconds

    def instead(self, place: Place, ttl: Ttl) -> Policies:
        """Return the same with another policy at one place."""
        changed = Policies(dict(self.collections), dict(self.projects), dict(self.entities))
        held = changed.of_kind(place)
        held.pop(place.pk, None)
        if ttl != "inherit":
            held[place.pk] = None if ttl == "never" else int(ttl)
        return changed

    def counting(self, place: Place, entity: int, project: int, collection: int) -> Counting:
        """Return what counts in a collection, the nearest first; `governed` if no nearer one than the place's is."""
        nearer = isinstance(place, Entity) and (project in self.projects or collection in self.collections)
        nearer = nearer or (isinstance(place, Project) and collection in self.collections)
        below = {Entity: entity, Project: project, Collection: collection}[type(place)] == place.pk
        governed = below and not nearer
        if collection in self.collections:
            return Counting(self.collections[collection], "collection", governed)
        if project in self.projects:
            return Counting(self.projects[project], "project", governed)
        if entity in self.entities:
            return Counting(self.entities[entity], "team", governed)
        return Counting(None, "none", governed)


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is of an entity: its versions, the places of their collections, and what may keep versions."""

    entity: int
    versions: list[Held]
    # Collection → project.
    projects: dict[int, int]
    aliased: set[int]
    linked: set[int]

    def fates(self, place: Place, policies: Policies, rules: Rules) -> Iterator[Fate]:
        """Say of each version when it expires, given the policies and rules."""
        counting = {
            pk: policies.counting(place, self.entity, project, pk) for pk, project in self.projects.items()
        }
        oldest = self._oldest_kept(rules.kept_newest)
        for held in self.versions:
            seconds, origin, governed = counting[held.collection]
            if held.kind != Version.Ttl.INHERIT:
                kept = "linked" if held.version in self.linked and held.own else None
                if held.kind == Version.Ttl.NEVER and governed and seconds is not None:
                    kept = "never"
                yield Fate(held, None if kept else held.own, kept, governed and kept == "never")
                continue
            if seconds is None:
                yield Fate(held, None, None, governed)
                continue
            kept = rules.kept(
                inherits=True,
                linked=held.version in self.linked,
                aliased=held.version in self.aliased,
                newest=held.number >= oldest.get(held.collection, held.number + 1),
            )
            due = None if kept else rules.expires_at(held.created_at, seconds, origin)
            yield Fate(held, due, kept, governed)

    def _oldest_kept(self, kept: int) -> dict[int, int]:
        """Return the least number of each collection that is among its newest."""
        if not kept:
            return {}
        numbers: defaultdict[int, list[int]] = defaultdict(list)
        for held in self.versions:
            numbers[held.collection].append(held.number)
        return {pk: sorted(found)[-kept:][0] for pk, found in numbers.items()}


def stock(entity: Entity, below: Project | Collection | None = None) -> Stock:
    """Read an entity's versions, or those of one of its projects or collections; four queries."""
    rows = Membership.objects.committed().sources()
    places = Collection.objects.filter(project__entity=entity)
    if isinstance(below, Collection):
        rows, places = rows.filter(collection=below), places.filter(pk=below.pk)
    elif isinstance(below, Project):
        rows, places = rows.filter(collection__project=below), places.filter(project=below)
    else:
        rows = rows.filter(collection__project__entity=entity)
    held = rows.order_by().values_list(
        "pk",
        "collection_id",
        "number",
        "version_id",
        "version__ttl_kind",
        # As text: what Django makes of a moment of SQLite takes longer than all else here, and so does the look at
        # each row that it takes when a single column is to be converted.
        Cast("version__created_at", CharField()),
        Cast("version__expires_at", CharField()),
        "version__size",
        "version__manifest_id",
    )
    of_entity = {"membership__version__sequence__project__entity": entity}
    aliased = Alias.objects.filter(**of_entity).exclude(name="latest")
    links = Membership.objects.registered().filter(version__sequence__project__entity=entity)
    with uncollected():
        versions = [_held(*row) for row in held.iterator(chunk_size=5000)]
    return Stock(
        entity.pk,
        versions,
        dict(places.values_list("pk", "project_id")),
        set(aliased.values_list("membership__version_id", flat=True)),
        set(links.values_list("version_id", flat=True)),
    )


@contextmanager
def uncollected() -> Iterator[None]:
    """Let Python look for no garbage meanwhile, where very many rows are made and none of them is garbage.

    It would look at all of them again and again, a third of the time of reading them. Beside other threads nothing
    worse comes of it than a late look.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _held(
    pk: int,
    collection: int,
    number: int,
    version: int,
    kind: str,
    created: str,
    own: str | None,
    size: int,
    manifest: int,
) -> Held:
    expires_at = _moment(own) if own else None
    return Held(pk, collection, number, version, kind, _moment(created), expires_at, size, manifest)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rules_of(entity: Entity) -> Rules:
    """Return the rules that count for the versions of an entity."""
    return ttl_rules.of_entities([entity.pk]).get(entity.pk, ttl_rules.NONE)

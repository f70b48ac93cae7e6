"""Events: written in the transaction of the act that they tell of. No event, no act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, Unpack

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from registry.actor import Actor
from registry.models import Collection, Entity, Event, Project, Version, chain
from registry.services import touching, webhook_wake
from registry.services._bounded import bounded

# Each row is linked to the last one, also to those of the same call.
_SEAL = """
INSERT INTO registry_eventseal (position, event_id, hash) VALUES (
    (SELECT COALESCE(MAX(position), 0) + 1 FROM registry_eventseal), %s,
    strongroom_link((SELECT hash FROM registry_eventseal ORDER BY position DESC LIMIT 1), %s, %s)
)
"""


class About(TypedDict, total=False):
    """What an event may tell of; `taken_from` is the version that loses an alias by the act."""

    entity: Entity | None
    project: Project | None
    collection: Collection | None
    version: Version | None
    taken_from: int | None
    subject: str
    before: Any
    after: Any


def make(
    actor: Actor,
    act: str,
    *,
    entity: Entity | None = None,
    project: Project | None = None,
    collection: Collection | None = None,
    version: Version | None = None,
    taken_from: int | None = None,
    subject: str = "",
    before: Any = None,
    after: Any = None,
) -> Event:
    """Return an event that is not written yet: an act of many parts appends theirs in one statement."""
    if project is None and collection is not None:
        project = collection.project
    if entity is None and project is not None:
        entity = project.entity
    before, after = bounded(before, after)
    event = Event(
        act=act,
        actor_id=actor.user.pk if actor.user else None,
        actor_name=actor.name,
        door=actor.door,
        address=actor.address[:64],
        key_prefix=actor.key.prefix if actor.key else "",
        entity_id=entity.pk if entity else None,
        project_id=project.pk if project else None,
        collection_id=collection.pk if collection else None,
        version_id=version.pk if version else None,
        taken_from_id=taken_from,
        subject=subject[:512],
        before=before,
        after=after,
    )
    event.place = project
    return event


def record(actor: Actor, act: str, **about: Unpack[About]) -> Event:
    """Append one event; call it inside the act's own transaction."""
    event = make(actor, act, **about)
    append([event])
    return event


def append(made: Iterable[Event]) -> None:
    """Append several events in their order; call it inside the act's own transaction, at its end."""
    rows = list(made)
    if not rows:
        return
    for row in rows:
        row.digest = chain.digest_of({name: getattr(row, name) for name in chain.FIELDS})
    Event.objects.bulk_create(rows)
    if connection.vendor == "sqlite":
        _seal(rows)
    touching.projects(rows)
    webhook_wake.of(rows)


def _seal(rows: Sequence[Event]) -> None:
    """Link events to the chain, in one statement: nobody else writes meanwhile. PostgreSQL does it at the commit."""
    with connection.cursor() as cursor:
        _teach(connections[DEFAULT_DB_ALIAS])
        cursor.executemany(_SEAL, [(row.pk, row.pk, bytes(row.digest)) for row in rows])


def _teach(here: BaseDatabaseWrapper) -> None:
    """Give SQLite the function that links, once for each connection: it would forget its prepared statements."""
    if vars(here).get("taught") is not here.connection:
        here.connection.create_function("strongroom_link", 3, chain.link, deterministic=True)
        vars(here)["taught"] = here.connection

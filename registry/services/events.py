"""Events: written in the transaction of the act that they tell of. No event, no act."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict, Unpack

from django.db.models import F, QuerySet

from registry.actor import Actor
from registry.models import Collection, Entity, Event, Membership, Project, Version
from registry.policy import Act, check


class About(TypedDict, total=False):
    """What an event may tell of."""

    entity: Entity | None
    project: Project | None
    collection: Collection | None
    version: Version | None
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
    subject: str = "",
    before: Any = None,
    after: Any = None,
) -> Event:
    """Return an event that is not written yet: an act of many parts appends theirs in one statement."""
    if project is None and collection is not None:
        project = collection.project
    if entity is None and project is not None:
        entity = project.entity
    return Event(
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
        subject=subject[:512],
        before=before,
        after=after,
    )


def record(actor: Actor, act: str, **about: Unpack[About]) -> Event:
    """Append one event; call it inside the act's own transaction."""
    event = make(actor, act, **about)
    append([event])
    return event


def append(made: Iterable[Event]) -> None:
    """Append several events in their order; call it inside the act's own transaction."""
    Event.objects.bulk_create(made)


def of_entity(actor: Actor, entity: Entity) -> QuerySet[Event]:
    """List what happened to a team or person: members, keys, passwords, settings; newest first.

    What happened in their projects, each project tells.
    """
    check(actor, Act.AUDIT, entity)
    # "+ 0" keeps databases from the index by entity, where these few lie among all events of its projects:
    # those outside of any project are quick to walk.
    rows = Event.objects.annotate(owner=F("entity_id") + 0)
    return rows.filter(project_id=None, owner=entity.pk).order_by("-id")


def of_project(actor: Actor, project: Project) -> QuerySet[Event]:
    """List what happened in a project, newest first."""
    check(actor, Act.VIEW, project)
    return Event.objects.filter(project_id=project.pk).order_by("-id")


def of_collection(actor: Actor, collection: Collection) -> QuerySet[Event]:
    """List what happened to a collection and its versions, newest first."""
    check(actor, Act.VIEW, collection.project)
    return Event.objects.filter(collection_id=collection.pk).order_by("-id")


def of_version(actor: Actor, membership: Membership) -> QuerySet[Event]:
    """List what happened to a version, newest first."""
    check(actor, Act.VIEW, membership.collection.project)
    return Event.objects.filter(version_id=membership.version_id).order_by("-id")


def recent(actor: Actor) -> QuerySet[Event]:
    """List what happened in all projects that the person sees, newest first."""
    projects = Project.objects.visible_to(actor.user).values("pk")
    return Event.objects.filter(project_id__in=projects).order_by("-id")

"""Taking an act back: what its event tells of becomes what it was before, unless it changed again since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from registry.actor import Actor
from registry.errors import ChangedMeanwhile, Conflict, NotFound
from registry.models import Collection, Event, Membership, Project
from registry.policy import Act, check
from registry.services import aliases, collections, projects, retention, versions
from registry.services.seen import mark, marks

Thing: TypeAlias = Membership | Collection | Project


def newest() -> int:
    """Return the id of the last event: what is made from here on is newer."""
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def made(actor: Actor, *, project: Project, since: int) -> Event | None:
    """Return the one event that the person left in a project since then, if it can be taken back."""
    user = actor.user.pk if actor.user else None
    rows = Event.objects.filter(project_id=project.pk, id__gt=since, actor_id=user).order_by("id")
    found = list(rows[:2])
    return found[0] if len(found) == 1 and found[0].act in _ACTS and _is_whole(found[0]) else None


def find(actor: Actor, *, project: Project, event: int) -> Event:
    """Find an act of a project that could be taken back, for those who may edit there."""
    check(actor, Act.EDIT, project)
    found = Event.objects.filter(pk=event, project_id=project.pk, act__in=_ACTS).first()
    if found is None:
        raise NotFound("There is no such act here that could be taken back.")
    return found


def undo(actor: Actor, *, project: Project, event: Event) -> None:
    """Take one act back; Conflict when somebody changed the same thing since."""
    check(actor, Act.EDIT, project)
    if not _is_whole(event):
        raise Conflict("What was there before was too large to be kept: it can't be taken back.")
    try:
        _ACTS[event.act](actor, project, event)
    except ChangedMeanwhile as error:
        # The services' sentence is for who saves a form.
        raise ChangedMeanwhile(
            "It was changed again since then, and stays as it is now.", **error.details
        ) from None


def about(project: Project, event: Event) -> Thing:
    """Return what an act was done to."""
    if event.version_id is not None:
        return _membership(event)
    return project if event.collection_id is None else _collection(event)


def _is_whole(event: Event) -> bool:
    """Tell whether the event holds all of what was there: of large texts and objects it keeps a digest."""
    sides = [side.values() for side in (event.before, event.after) if isinstance(side, dict)]
    return not any(
        isinstance(value, dict) and {"sha256", "size"} <= value.keys() for side in sides for value in side
    )


def _alias(actor: Actor, project: Project, event: Event) -> None:
    """Put an alias back where it was; what nobody held is free again."""
    here = _collection(event)
    if event.before is None:
        now = versions.find(actor, here, str(event.after))
        aliases.remove(actor, collection=here, name=event.subject, holder=now)
        return
    was = versions.find(actor, here, str(event.before))
    aliases.move(actor, membership=was, name=event.subject, seen=event.after)


def _tags(actor: Actor, project: Project, event: Event) -> None:
    """Take off what was added, and add what was taken off: what others did to other tags stays."""
    membership = _membership(event)
    held, before, after = membership.version.held_tags(), event.before or [], event.after or []
    kept = [name for name in held if name in before or name not in after]
    back = [name for name in before if name not in after and name not in held]
    versions.edit(actor, membership=membership, tags=[*kept, *back], seen={"tags": mark(held)})


def _version(actor: Actor, project: Project, event: Event) -> None:
    versions.edit(
        actor, membership=_membership(event), **_values(event.before), seen=marks(_values(event.after))
    )


def _of_collection(actor: Actor, project: Project, event: Event) -> None:
    collections.edit(
        actor, collection=_collection(event), **_values(event.before), seen=marks(_values(event.after))
    )


def _of_project(actor: Actor, project: Project, event: Event) -> None:
    projects.edit(actor, project=project, **_values(event.before), seen=marks(_values(event.after)))


def _policy(actor: Actor, project: Project, event: Event) -> None:
    target = project if event.collection_id is None else _collection(event)
    # One that was confirmed is told together with its preview.
    before, after = (side["ttl"] if isinstance(side, dict) else side for side in (event.before, event.after))
    retention.set_policy(actor, target=target, ttl=before, seen={"ttl": mark(after)})


_ACTS: dict[str, Callable[[Actor, Project, Event], None]] = {
    "alias.move": _alias,
    "alias.remove": _alias,
    "tag.edit": _tags,
    "version.edit": _version,
    "collection.edit": _of_collection,
    "project.edit": _of_project,
    "ttl_policy.set": _policy,
}


def _values(side: Any) -> dict[str, Any]:
    return side if isinstance(side, dict) else {}


def _collection(event: Event) -> Collection:
    found = Collection.objects.live().filter(pk__in=[event.collection_id or 0]).for_listing().first()
    if found is None:
        raise NotFound("The collection was deleted meanwhile. Nothing was changed.")
    return found


def _membership(event: Event) -> Membership:
    rows = Membership.objects.committed().for_listing()
    found = rows.filter(version=event.version_id, collection=event.collection_id).first()
    if found is None:
        raise NotFound("The version was deleted meanwhile. Nothing was changed.")
    return found

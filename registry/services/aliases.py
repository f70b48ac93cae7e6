"""Aliases: move, remove, replace; `latest` moves by itself; a registry may protect some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from django.db import transaction
from django.db.models import QuerySet
from strongroom.core.names import check_alias

from registry.actor import Actor
from registry.errors import ChangedMeanwhile, Conflict, NotFound
from registry.models import Alias, Collection, Event, Membership, Project, ProtectedAlias, Version
from registry.models.prepared import Prepared
from registry.policy import Act, check
from registry.services import alias_moves, events, locks, promotion_states, protection, touching, words
from registry.services._common import KEEP, Keep, now, spelled
from registry.services.alias_moves import How, Moved

__all__ = [
    "LATEST",
    "Held",
    "assign",
    "holders",
    "listing",
    "move",
    "moved",
    "point",
    "protected_of",
    "refuse_gone",
    "remove",
    "replace",
    "spelled",
]

LATEST = "latest"
_HOLDERS = Prepared[Alias](
    lambda collection, names: Alias.objects.filter(collection=collection, name__in=names).select_related(
        "membership__version"
    )
)


class Held(Protocol):
    """The version that held an alias before: a membership, or what is left to say of one."""

    @property
    def number(self) -> int: ...
    @property
    def version_id(self) -> int: ...


def listing(actor: Actor, *, collection: Collection, q: str | None = None) -> QuerySet[Alias]:
    """List a collection's aliases by name, each with the version that holds it; `q` is looked for in names."""
    check(actor, Act.VIEW, collection.project)
    rows = Alias.objects.filter(collection=collection).select_related("membership").order_by("name")
    return rows.filter(name__icontains=spelled(q)) if q else rows


def move(
    actor: Actor,
    *,
    membership: Membership,
    name: str,
    seen: str | Keep | None = KEEP,
    reason: str = "",
    promotion: int | None = None,
) -> Alias:
    """Give a version an alias, taking it from whoever held it.

    `seen` is the version that the person saw it at (v3, or None for a free one): from any other it is not taken.
    The alias' history keeps the `reason`, and the id of the `promotion` that moves it.
    """
    check(actor, Act.EDIT, membership.collection.project)
    name = check_alias(name)
    with transaction.atomic():
        locks.lock_places(membership)
        refuse_gone(membership)
        if seen is not KEEP:
            _refuse_moved(membership, name, seen)
        assign(actor, membership, [name], reason=reason, promotion=promotion)
        return holders(membership.collection, [name])[name]


def _refuse_moved(membership: Membership, name: str, seen: str | None) -> None:
    held = holders(membership.collection, [name]).get(name)
    at = f"v{held.membership.number}" if held else None
    if at in (seen, f"v{membership.number}"):
        return
    was = f"was at {seen} when you looked" if seen else "was free when you looked"
    by_now = f"{at} holds it" if at else "nobody holds it"
    raise ChangedMeanwhile(
        f"{name} {was}, and {by_now} by now. Nothing was changed. Add it again to take it.",
        field="alias",
        now=at,
    )


def remove(
    actor: Actor,
    *,
    collection: Collection,
    name: str,
    holder: Membership | None = None,
    reason: str = "",
    promotion: int | None = None,
) -> None:
    """Take an alias away from whoever holds it; only from `holder`, where the person saw it there."""
    check(actor, Act.EDIT, collection.project)
    name = spelled(name)
    with transaction.atomic():
        locks.lock(collection)
        held = (
            Alias.objects.filter(collection=collection, name=name)
            .select_related("membership__version")
            .first()
        )
        if held is None:
            raise NotFound(f'{collection.name} has no alias "{name}".')
        if holder is not None and held.membership_id != holder.pk:
            raise Conflict(f"{name} is at v{held.membership.number} by now, and stays there.", aliases=[name])
        _take(actor, collection, [held], reason, promotion)


def replace(
    actor: Actor,
    membership: Membership,
    names: Iterable[str],
    *,
    reason: str = "",
    promotion: int | None = None,
) -> None:
    """Make `names` the whole list of a version's aliases; call it with the collection locked.

    A list that leaves `latest` out says nothing of it: it stays, for what every script asks for by default is
    taken away on purpose only (`remove`).
    """
    wanted = list(dict.fromkeys(check_alias(name) for name in names))
    going = Alias.objects.filter(membership=membership).exclude(name__in=[*wanted, LATEST])
    held = list(going.select_related("membership__version"))
    _take(actor, membership.collection, held, reason, promotion)
    assign(actor, membership, wanted, reason=reason, promotion=promotion)


def holders(collection: Collection, names: Iterable[str]) -> dict[str, Alias]:
    """Return the present holders of some aliases, by alias; one query."""
    return {alias.name: alias for alias in _HOLDERS.all(collection.pk, list(names))}


def assign(
    actor: Actor,
    membership: Membership,
    names: Iterable[str],
    *,
    reason: str = "",
    promotion: int | None = None,
) -> None:
    """Point aliases at a membership, with an event for each that moved; call it with the collection locked."""
    wanted = list(names)
    held = holders(membership.collection, wanted)
    told = point(actor, membership, wanted, held, reason=reason, promotion=promotion)
    words.of_moved(membership, held.values())
    events.append(told)
    touching.aliases(membership, told)


def point(
    actor: Actor,
    membership: Membership,
    names: Iterable[str],
    held: dict[str, Alias],
    *,
    quiet: Iterable[str] = (),
    reason: str = "",
    promotion: int | None = None,
) -> list[Event]:
    """Point aliases at a membership, and return the events that the caller must append.

    `held` are the present holders. `quiet` names move without an event of their own: `latest` at a commit,
    which the commit's event tells. The index of words is the caller's, too. The history is written here.
    """
    wanted = list(dict.fromkeys([*names, *quiet]))
    fresh = [name for name in wanted if name not in held]
    moving = [held[name] for name in wanted if name in held and held[name].membership_id != membership.pk]
    names = [*fresh, *(alias.name for alias in moving)]
    forced = protection.guard(actor, membership.collection, names, reason=reason, promotion=promotion)
    if fresh:
        Alias.objects.bulk_create(
            Alias(collection=membership.collection, membership=membership, name=name, created_by=actor.user)
            for name in fresh
        )
    if moving:
        Alias.objects.filter(pk__in=[alias.pk for alias in moving]).update(
            membership=membership, created_by=actor.user, created_at=now()
        )
    moves: list[tuple[str, Membership | None]] = [(name, None) for name in fresh]
    # The rows at hand still say who held them.
    moves += [(alias.name, alias.membership) for alias in moving]
    # A commit's `latest` is told by the version's place in its sequence; a link may be gone one day, with its place.
    told = [name for name, _ in moves if name not in quiet or membership.is_link]
    came = [Moved(membership.collection_id, name, membership.number) for name in told]
    if came:
        alias_moves.write(actor, came, How.MOVE, reason=reason, promotion=promotion)
    return [
        *(moved(actor, membership, name, before) for name, before in moves if name not in quiet),
        *_forced(actor, membership, forced, held, reason),
        *promotion_states.alias_moved(
            actor, membership.collection, dict.fromkeys(names, membership.number), promotion=promotion
        ),
    ]


def _forced(
    actor: Actor, membership: Membership, names: list[str], held: dict[str, Alias], reason: str
) -> list[Event]:
    """Return the events of protected aliases that an admin moves by hand."""
    before = {name: held[name].membership.number if name in held else None for name in names}
    return [
        protection.overridden(actor, membership, name, reason, before[name], membership.number)
        for name in names
    ]


def protected_of(version_ids: Iterable[int] | QuerySet[Version]) -> list[str]:
    """Return the aliases of versions that a registry protects where they are linked; sorted.

    A second query is made only when one holds an alias in a registry at all.
    """
    rows = Alias.objects.filter(
        membership__version__in=version_ids,
        collection__project__kind=Project.Kind.REGISTRY,
        collection__deleted_at=None,
    )
    held = list(rows.values_list("collection__project_id", "name"))
    if not held:
        return []
    patterns: dict[int, list[str]] = {}
    protected = ProtectedAlias.objects.filter(project__in={project for project, _ in held})
    for project, folded in protected.values_list("project_id", "folded"):
        patterns.setdefault(project, []).append(folded)
    return sorted(
        {
            name
            for project, name in held
            if any(protection.matches(name, pattern) for pattern in patterns.get(project, []))
        }
    )


def held_in(project: Project) -> list[str]:
    """Return the aliases that are held in a project, each as `collection:alias`."""
    rows = Alias.objects.filter(collection__project=project, collection__deleted_at=None)
    found = rows.order_by("collection__name", "name").values_list("collection__name", "name")
    return [f"{place}:{name}" for place, name in found]


def protected_in(project: Project) -> list[str]:
    """The same of those that it protects."""
    held = held_in(project)
    safe = protection.protected_among(project, {name.partition(":")[2] for name in held})
    return [name for name in held if name.partition(":")[2] in safe]


def let_go(actor: Actor, membership: Membership) -> None:
    """Take all aliases from a place that a version leaves; call it with the collection locked."""
    held = list(Alias.objects.filter(membership=membership))
    for alias in held:
        alias.membership = membership
    _take(actor, membership.collection, held, "", None, How.UNLINK)


def refuse_gone(membership: Membership) -> None:
    """Raise NotFound when the version was deleted between look-up and lock."""
    if not Membership.objects.committed().filter(pk=membership.pk).exists():
        raise NotFound(f"{membership.name} was deleted meanwhile. Nothing was changed.")


def moved(actor: Actor, membership: Membership, name: str, before: Held | None) -> Event:
    """Return the event of an alias that came to a version, from another or from none; the caller appends it."""
    return events.make(
        actor,
        "alias.move",
        collection=membership.collection,
        version=membership.version,
        taken_from=before.version_id if before else None,
        subject=name,
        before=f"v{before.number}" if before else None,
        after=f"v{membership.number}",
    )


def _take(
    actor: Actor,
    collection: Collection,
    held: list[Alias],
    reason: str,
    promotion: int | None,
    how: str = How.REMOVE,
) -> None:
    """Take aliases from who holds them, with what follows from that; the collection is locked."""
    names = [alias.name for alias in held]
    forced = protection.guard(actor, collection, names, reason=reason, promotion=promotion)
    for alias in held:
        alias.collection = collection
        _drop(actor, alias, reason, promotion, how)
        if alias.name in forced:
            place = alias.membership
            place.collection = collection
            events.append([protection.overridden(actor, place, alias.name, reason, place.number, None)])
    events.append(promotion_states.alias_moved(actor, collection, dict.fromkeys(names), promotion=promotion))


def _drop(actor: Actor, alias: Alias, reason: str, promotion: int | None, how: str) -> None:
    gone = Moved(alias.collection_id, alias.name, None)
    alias_moves.write(actor, [gone], how, reason=reason, promotion=promotion)
    told = events.record(
        actor,
        "alias.remove",
        collection=alias.collection,
        version=alias.membership.version,
        subject=alias.name,
        before=f"v{alias.membership.number}",
        after=None,
    )
    touching.aliases(alias.membership, [told])
    alias.delete()
    words.of_marks(Membership.objects.filter(pk=alias.membership_id))

"""Aliases: move, remove, replace; `latest` moves by itself."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from strongroom.core.names import check_alias

from registry.actor import Actor
from registry.errors import NotFound
from registry.models import Alias, Collection, Membership
from registry.policy import Act, check
from registry.services import collections, events
from registry.services._common import now

LATEST = "latest"


def listing(actor: Actor, *, collection: Collection) -> QuerySet[Alias]:
    """List a collection's aliases by name, each with the version that holds it."""
    check(actor, Act.VIEW, collection.project)
    return Alias.objects.filter(collection=collection).select_related("membership").order_by("name")


def move(actor: Actor, *, membership: Membership, name: str) -> Alias:
    """Give a version an alias, taking it from whoever held it."""
    check(actor, Act.EDIT, membership.collection.project)
    name = check_alias(name)
    with transaction.atomic():
        collections.lock(membership.collection)
        refuse_gone(membership)
        assign(actor, membership, [name])
        return holders(membership.collection, [name])[name]


def remove(actor: Actor, *, collection: Collection, name: str) -> None:
    """Take an alias away from whoever holds it."""
    check(actor, Act.EDIT, collection.project)
    name = spelled(name)
    with transaction.atomic():
        collections.lock(collection)
        held = (
            Alias.objects.filter(collection=collection, name=name)
            .select_related("membership__version")
            .first()
        )
        if held is None:
            raise NotFound(f'{collection.name} has no alias "{name}".')
        _drop(actor, held)


def replace(actor: Actor, membership: Membership, names: Iterable[str]) -> None:
    """Make `names` the whole list of a version's aliases; call it with the collection locked."""
    wanted = list(dict.fromkeys(check_alias(name) for name in names))
    for held in (
        Alias.objects.filter(membership=membership)
        .exclude(name__in=wanted)
        .select_related("membership__version")
    ):
        _drop(actor, held)
    assign(actor, membership, wanted)


def spelled(name: str) -> str:
    """Return an alias that is looked for in the form in which aliases are kept."""
    return unicodedata.normalize("NFC", name)


def holders(collection: Collection, names: Iterable[str]) -> dict[str, Alias]:
    """Return the present holders of some aliases, by alias; one query."""
    rows = Alias.objects.filter(collection=collection, name__in=list(names))
    return {alias.name: alias for alias in rows.select_related("membership__version")}


def assign(
    actor: Actor,
    membership: Membership,
    names: Iterable[str],
    *,
    quiet: Iterable[str] = (),
    held: dict[str, Alias] | None = None,
) -> None:
    """Point aliases at a membership, with an event for each that moved; call it with the collection locked.

    `quiet` names move without an event of their own: `latest` at a commit, which the commit's event tells.
    `held` spares the query when the caller has looked already.
    """
    wanted = list(dict.fromkeys([*names, *quiet]))
    if held is None:
        held = holders(membership.collection, wanted)
    fresh = [name for name in wanted if name not in held]
    moving = [held[name] for name in wanted if name in held and held[name].membership_id != membership.pk]
    if fresh:
        Alias.objects.bulk_create(
            Alias(collection=membership.collection, membership=membership, name=name, created_by=actor.user)
            for name in fresh
        )
    if moving:
        Alias.objects.filter(pk__in=[alias.pk for alias in moving]).update(
            membership=membership, created_by=actor.user, created_at=now()
        )
    _tell(
        actor,
        membership,
        [(name, None) for name in fresh if name not in quiet]
        + [(alias.name, f"v{alias.membership.number}") for alias in moving if alias.name not in quiet],
    )


def refuse_gone(membership: Membership) -> None:
    """Raise NotFound when the version was deleted between look-up and lock."""
    if not Membership.objects.committed().filter(pk=membership.pk).exists():
        raise NotFound(f"{membership.name} was deleted meanwhile. Nothing was changed.")


def _tell(actor: Actor, membership: Membership, moves: list[tuple[str, str | None]]) -> None:
    for name, before in moves:
        events.record(
            actor,
            "alias.move",
            collection=membership.collection,
            version=membership.version,
            subject=name,
            before=before,
            after=f"v{membership.number}",
        )


def _drop(actor: Actor, alias: Alias) -> None:
    events.record(
        actor,
        "alias.remove",
        collection=alias.collection,
        version=alias.membership.version,
        subject=alias.name,
        before=f"v{alias.membership.number}",
        after=None,
    )
    alias.delete()

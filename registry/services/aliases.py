"""Aliases: move, remove, replace; `latest` moves by itself."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from strongroom.core.names import check_alias

from registry.actor import Actor
from registry.errors import NotFound
from registry.models import Alias, Collection, Membership
from registry.policy import Act, check
from registry.services import collections, events

LATEST = "latest"


def listing(actor: Actor, *, collection: Collection) -> QuerySet[Alias]:
    """List a collection's aliases by name, each with the version that holds it."""
    check(actor, Act.VIEW, collection.project)
    return Alias.objects.filter(collection=collection).select_related("membership").order_by("name")


def move(actor: Actor, *, membership: Membership, name: str) -> Alias:
    """Give a version an alias, taking it from whoever held it."""
    check(actor, Act.EDIT, membership.collection.project)
    check_alias(name)
    with transaction.atomic():
        collections.lock(membership.collection)
        refuse_gone(membership)
        assign(actor, membership, [name])
    return Alias.objects.select_related("membership").get(collection_id=membership.collection_id, name=name)


def remove(actor: Actor, *, collection: Collection, name: str) -> None:
    """Take an alias away from whoever holds it."""
    check(actor, Act.EDIT, collection.project)
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


def assign(actor: Actor, membership: Membership, names: Iterable[str], *, quiet: Iterable[str] = ()) -> None:
    """Point aliases at a membership, with an event for each that moved; call it with the collection locked.

    `quiet` names move without an event of their own: `latest` at a commit, which the commit's event tells.
    """
    wanted = list(dict.fromkeys([*names, *quiet]))
    held = {
        alias.name: alias
        for alias in Alias.objects.filter(
            collection_id=membership.collection_id, name__in=wanted
        ).select_related("membership")
    }
    fresh = [name for name in wanted if name not in held]
    moving = [alias for alias in held.values() if alias.membership_id != membership.pk]
    Alias.objects.bulk_create(
        Alias(collection_id=membership.collection_id, membership=membership, name=name, created_by=actor.user)
        for name in fresh
    )
    if moving:
        Alias.objects.filter(pk__in=[alias.pk for alias in moving]).update(
            membership=membership, created_by=actor.user, created_at=membership.version.updated_at
        )
    for name in fresh:
        _tell(actor, membership, name, None, quiet)
    for alias in moving:
        _tell(actor, membership, alias.name, f"v{alias.membership.number}", quiet)


def refuse_gone(membership: Membership) -> None:
    """Raise NotFound when the version was deleted between look-up and lock."""
    if not Membership.objects.committed().filter(pk=membership.pk).exists():
        raise NotFound(f"{membership.name} was deleted meanwhile. Nothing was changed.")


def _tell(actor: Actor, membership: Membership, name: str, before: str | None, quiet: Iterable[str]) -> None:
    if name not in quiet:
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

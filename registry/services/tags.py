"""Tags of versions."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from strongroom.core.names import check_tag, check_tags

from registry.actor import Actor
from registry.errors import NotFound
from registry.models import Collection, Event, Membership, Version, VersionTag
from registry.policy import Act, check
from registry.services import aliases, events, locks, touching, words
from registry.services._common import spelled
from registry.services.narrowing import tags_of
from registry.services.sourcing import check_source, source_of


def add(actor: Actor, *, membership: Membership, name: str) -> None:
    """Add one tag; having it already is fine."""
    check_source(actor, Act.EDIT, membership)
    name = check_tag(name)
    with transaction.atomic():
        locks.lock_places(membership)
        aliases.refuse_gone(membership)
        extend(actor, membership, [name])


def remove(actor: Actor, *, membership: Membership, name: str) -> None:
    """Remove one tag."""
    check_source(actor, Act.EDIT, membership)
    name = spelled(name)
    with transaction.atomic():
        locks.lock_places(membership)
        aliases.refuse_gone(membership)
        held = _held(membership.version)
        if name not in held:
            raise NotFound(f'{membership.name} has no tag "{name}".')
        _note(membership, put(actor, membership, [tag for tag in held if tag != name], held))


def known(actor: Actor, collection: Collection) -> list[str]:
    """Return the tags that versions of a collection have, by name."""
    check(actor, Act.VIEW, collection.project)
    found = tags_of(collection).filter(version__state=Version.State.COMMITTED)
    return list(found.order_by("name").values_list("name", flat=True).distinct())


def extend(actor: Actor, membership: Membership, names: Iterable[str]) -> None:
    """Add tags; call it with the collection locked."""
    _note(membership, added(actor, membership, list(names)))


def replace(actor: Actor, membership: Membership, names: Iterable[str]) -> None:
    """Make `names` the whole set of a version's tags; call it with the collection locked."""
    _note(membership, put(actor, membership, names, _held(membership.version)))


def added(actor: Actor, membership: Membership, names: list[str]) -> list[Event]:
    """Add tags as `put` does; nothing is read when there are none."""
    if not names:
        return []
    held = _held(membership.version)
    return put(actor, membership, [*held, *names], held)


def put(actor: Actor, membership: Membership, names: Iterable[str], held: list[str]) -> list[Event]:
    """Make `names` the tags of a version that has `held`, and return the events that the caller must append."""
    version = membership.version
    wanted = check_tags(names)
    gone, fresh = set(held) - set(wanted), [tag for tag in wanted if tag not in held]
    if not gone and not fresh:
        return []
    if gone:
        VersionTag.objects.filter(version=version, name__in=gone).delete()
    VersionTag.objects.bulk_create(
        VersionTag(version=version, sequence_id=version.sequence_id, name=tag) for tag in fresh
    )
    home = source_of(membership)
    edited = events.make(
        actor,
        "tag.edit",
        collection=home.collection,
        version=version,
        subject=home.name,
        before=sorted(held),
        after=sorted(wanted),
    )
    return [edited]


def _note(membership: Membership, told: list[Event]) -> None:
    if told:
        words.of_marks(Membership.objects.filter(version=membership.version))
    events.append(told)
    touching.card(membership, told)


def _held(version: Version) -> list[str]:
    return list(VersionTag.objects.filter(version=version).values_list("name", flat=True))

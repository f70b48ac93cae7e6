"""Tags of versions."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from strongroom.core.names import check_tag, check_tags

from registry.actor import Actor
from registry.errors import NotFound
from registry.models import Membership, VersionTag
from registry.policy import Act, check
from registry.services import aliases, collections, events


def add(actor: Actor, *, membership: Membership, name: str) -> None:
    """Add one tag; having it already is fine."""
    check(actor, Act.EDIT, membership.version.sequence.project)
    check_tag(name)
    with transaction.atomic():
        collections.lock(membership.version.sequence)
        aliases.refuse_gone(membership)
        extend(actor, membership, [name])


def remove(actor: Actor, *, membership: Membership, name: str) -> None:
    """Remove one tag."""
    check(actor, Act.EDIT, membership.version.sequence.project)
    with transaction.atomic():
        collections.lock(membership.version.sequence)
        aliases.refuse_gone(membership)
        held = sorted(membership.version.tags.values_list("name", flat=True))
        if name not in held:
            raise NotFound(f'{membership.name} has no tag "{name}".')
        replace(actor, membership, [tag for tag in held if tag != name])


def extend(actor: Actor, membership: Membership, names: Iterable[str], *, fresh: bool = False) -> None:
    """Add tags; call it with the collection locked. A `fresh` version has none yet."""
    rows = VersionTag.objects.filter(version_id=membership.version_id)
    held = [] if fresh else list(rows.values_list("name", flat=True))
    replace(actor, membership, [*held, *names], held=held)


def replace(
    actor: Actor, membership: Membership, names: Iterable[str], *, held: list[str] | None = None
) -> None:
    """Make `names` the whole set of a version's tags; call it with the collection locked."""
    version = membership.version
    if held is None:
        held = list(VersionTag.objects.filter(version=version).values_list("name", flat=True))
    wanted = check_tags(names)
    gone, fresh = set(held) - set(wanted), [tag for tag in wanted if tag not in held]
    if not gone and not fresh:
        return
    if gone:
        VersionTag.objects.filter(version=version, name__in=gone).delete()
    VersionTag.objects.bulk_create(VersionTag(version=version, name=tag) for tag in fresh)
    events.record(
        actor,
        "tag.edit",
        collection=membership.collection,
        version=version,
        subject=membership.name,
        before=sorted(held),
        after=sorted(wanted),
    )

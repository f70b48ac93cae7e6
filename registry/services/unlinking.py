"""Unlinking: a version leaves a portfolio; where it was logged nothing changes but that it may expire again."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from registry.actor import Actor
from registry.errors import Conflict, NotFound
from registry.models import Alias, Collection, Membership, RunInput, VersionWords
from registry.policy import Act, check
from registry.services import aliases, events, latest, locks, protection
from registry.services._common import now


def unlink(actor: Actor, *, membership: Membership) -> None:
    """Take a version out of a portfolio, with the aliases that it holds there."""
    refuse_source(membership)
    check(actor, Act.LINK, membership.collection.project)
    with transaction.atomic():
        home = locks.lock_places(membership)
        row = Membership.objects.filter(pk=membership.pk).select_related("version").first()
        if row is None:
            raise NotFound(f"{membership.name} is not linked any more. Nothing was changed.")
        row.collection = home
        _remove(actor, row)


def refuse_source(membership: Membership) -> None:
    """Raise Conflict for the place where a version was logged, which is no link."""
    if not membership.is_link:
        raise Conflict(
            f"{membership.name} is where the version was logged, not a link. To remove it, delete the version."
        )


def _remove(actor: Actor, row: Membership) -> None:
    held = list(Alias.objects.filter(membership=row).order_by("name").values_list("name", flat=True))
    protection.refuse_going(row.name, row.collection, held, going="unlinked")
    aliases.let_go(actor, row)
    events.record(
        actor,
        "link.remove",
        collection=row.collection,
        version=row.version,
        subject=row.name,
        before={"aliases": held},
    )
    # Runs that used the version through this place have it in their lineage still, at its source.
    source = Membership.objects.sources().filter(version=row.version_id).values_list("pk", flat=True).get()
    RunInput.objects.filter(membership=row).update(membership=source)
    VersionWords.objects.filter(pk=row.pk).delete()
    Membership.objects.filter(pk=row.pk).delete()
    rows = Collection.objects.filter(pk=row.collection_id)
    rows.update(version_count=F("version_count") - 1, updated_at=now())
    if aliases.LATEST in held:
        left = {row.collection_id: latest.Holder(row.number, row.version_id)}
        events.append(latest.fall_back(actor, left))

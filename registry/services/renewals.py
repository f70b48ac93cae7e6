"""Versions from what is there now that are too large for a request: a worker makes them, as it makes others that wait.

Such a version waits as one whose references are resolved does: a draft, held by one worker at a time, with its
progress and, where it fails, its reason. There is nothing to resolve in it, for the look has found it all.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import transaction

from registry.actor import Actor
from registry.errors import Conflict, Gone
from registry.models import Collection, Membership, Resolution, Version
from registry.policy import Act
from registry.services import drafts, references, relogging
from registry.services._common import now
from registry.services.commits import Committed
from registry.services.leases import Lease, LeaseLost
from registry.services.relogging import Plan
from registry.services.sourcing import check_source

# What a request bears: references that are replaced, and entries that are read for it.
MOST_REPLACED, MOST_ENTRIES = 500, 5000
_TOLD_EVERY = 2.0


def ask(actor: Actor, *, membership: Membership, mark: str | None = None) -> Committed | Version:
    """Log a new version from what is there now, or where it is large begin a draft that a worker makes one of.

    Who asks again while that waits gets the same draft.
    """
    plan = relogging.agreed(actor, membership, mark)
    if plan.is_empty or not _is_large(plan, membership):
        return relogging.log(actor, membership=membership, mark=plan.mark)
    waiting = _waiting(actor, membership, plan)
    return waiting if waiting is not None else _begin(actor, membership, plan)


def _is_large(plan: Plan, membership: Membership) -> bool:
    return plan.changed + plan.missing > MOST_REPLACED or membership.version.file_count > MOST_ENTRIES


def _waiting(actor: Actor, membership: Membership, plan: Plan) -> Version | None:
    rows = Version.objects.filter(created_by=actor.user, state=Version.State.PENDING)
    mine = rows.filter(resolution__renews=membership.version_id, resolution__mark=plan.mark)
    return mine.select_related("sequence__project__entity").first()


def _begin(actor: Actor, membership: Membership, plan: Plan) -> Version:
    version, sequence = membership.version, membership.version.sequence
    with transaction.atomic():
        draft, _ = drafts.begin(
            actor,
            project=sequence.project,
            collection=sequence.name,
            type=sequence.type.name,
            description=version.description,
            metadata=version.metadata,
        )
        Resolution.objects.create(
            draft=draft,
            renews=version,
            mark=plan.mark,
            asked_at=now(),
            created_at=now(),
            **references.asked(actor),
        )
        references.wake(draft.pk)
    return draft


def commit(lease: Lease, resolution: Resolution, actor: Actor) -> Committed:
    """Make the version that a draft waits to become."""
    rows = (
        Membership.objects.committed()
        .sources()
        .select_related(
            "collection",
            "version__manifest__scope",
            "version__sequence__project__entity",
            "version__sequence__type",
        )
    )
    source = rows.filter(version=resolution.renews_id).first()
    if source is None:
        raise Gone("The version that this one is made from is gone.")
    check_source(actor, Act.LOG, source)
    if source.version.sequence_id != resolution.draft.sequence_id:
        raise Conflict("The collection was merged or moved meanwhile. Log it anew from where it is now.")
    return relogging.make(
        actor,
        source,
        resolution.mark,
        lambda sequence: _held(lease, resolution, sequence),
        _progress(resolution),
    )


def _held(lease: Lease, resolution: Resolution, sequence: Collection) -> Version:
    """Return the draft, locked, and end its waiting: in the transaction that commits it."""
    draft = Version.objects.select_for_update().filter(pk=resolution.pk, state=Version.State.PENDING).first()
    lease.keep()
    if draft is None:
        raise LeaseLost
    draft.sequence, draft.run = sequence, None
    Resolution.objects.filter(pk=resolution.pk).delete()
    return draft


def _progress(resolution: Resolution) -> Callable[[int], None]:
    """Return what notes, not too often, how many entries were read."""
    last = 0.0

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() - last > _TOLD_EVERY:
            last = time.monotonic()
            if not Resolution.objects.filter(pk=resolution.pk).update(done_count=done):
                # Given up meanwhile: what is made by now is for nobody.
                raise LeaseLost

    return tell

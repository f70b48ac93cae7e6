"""References that the server resolves: added to a draft, watched, tried again, dropped; and the commit that waits."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction
from strongroom.core.names import check_aliases, check_tags
from strongroom.core.references.base import MAX_OBJECTS
from strongroom.core.references.uris import unsigned

from registry import manifests, queue
from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, NotFound, RegistryError
from registry.models import ReferenceOrder, Resolution, Version
from registry.schedule import RESOLVE
from registry.services import drafting, drafts, events, outside
from registry.services._common import now
from registry.services.pending import (
    STATES,
    Outlook,
    check_cared_for,
    check_own,
    find,
    find_order,
    is_mine,
    listing,
    made,
    open_to,
    outlook,
)

__all__ = [
    "STATES",
    "Outlook",
    "add",
    "asked",
    "asker",
    "commit_when_resolved",
    "drop",
    "find",
    "find_order",
    "give_up",
    "is_mine",
    "listing",
    "made",
    "open_to",
    "outlook",
    "reason",
    "retry",
    "tell",
    "wake",
]

State = ReferenceOrder.State
# Of one draft: each may be a prefix of millions.
MOST = 1000
_LONGEST = 4096
log = logging.getLogger(__name__)


def add(
    actor: Actor,
    *,
    draft: Version,
    uri: str,
    name: str = "",
    checksum: bool = True,
    max_objects: int = MAX_OBJECTS,
) -> tuple[ReferenceOrder, bool]:
    """Have the server resolve a reference for a draft; the same one again is the one that is there.

    What the server may not reach is refused here, before anything waits.
    """
    check_own(actor, draft)
    if not 1 <= max_objects <= MAX_OBJECTS:
        raise InvalidInput(f"max_objects is from 1 to {MAX_OBJECTS:,}.", field="max_objects")
    outside.judge(actor, draft.sequence.project.entity, uri, name, checksum=checksum)
    uri = outside.kept(uri)
    wanted = {"checksum": checksum, "max_objects": max_objects}
    with transaction.atomic():
        resolution = _opened(actor, _locked(draft))
        order, created = ReferenceOrder.objects.get_or_create(
            draft=draft,
            key=_key(uri, name),
            defaults={"uri": uri, "name": name, "created_at": now(), **wanted},
        )
        if created:
            _refuse_more(draft)
            _again(resolution)
            tell(actor, "reference.add", draft, order)
        elif any(getattr(order, field) != value for field, value in wanted.items()):
            raise Conflict(
                f"The draft has the reference {uri} already, with another limit or checksum. Drop that one first.",
                uri=uri,
            )
        wake(draft.pk)
    return order, created


def _locked(draft: Version) -> Version:
    row = Version.objects.select_for_update().filter(pk=draft.pk, state=Version.State.PENDING).first()
    if row is None:
        raise drafting.closed(draft)
    return row


def _opened(actor: Actor, draft: Version) -> Resolution:
    """Return what the draft's references wait in, locked; whoever adds one is who its commit is made for."""
    Resolution.objects.get_or_create(draft=draft, defaults={**asked(actor), "created_at": now()})
    found = Resolution.objects.select_for_update().get(pk=draft.pk)
    if found.renews_id is not None:
        raise Conflict(
            "This draft becomes a version from what is there now, and takes nothing else. Begin another."
        )
    return found


def asked(actor: Actor) -> dict[str, Any]:
    """Return the columns that keep who asked."""
    return {"asked_by": actor.user, "key": actor.key, "door": actor.door, "address": actor.address[:64]}


def asker(resolution: Resolution) -> Actor:
    """Return who asked, as workers act for them: by the rights that they have at that moment."""
    return Actor(
        user=resolution.asked_by, door=resolution.door, address=resolution.address, key=resolution.key
    )


def reason(error: RegistryError) -> dict[str, str]:
    """Return the columns that keep why something failed: text that every database takes, and never none."""
    said = str(error).replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST]
    return {"code": error.code, "why": said or "It failed without saying why."}


def _key(uri: str, name: str) -> bytes:
    return hashlib.sha256(f"{uri}\n{name}".encode()).digest()


def _refuse_more(draft: Version) -> None:
    if ReferenceOrder.objects.filter(draft=draft).count() > MOST:
        raise InvalidInput(
            f"A draft takes {MOST:,} references to resolve. Refer to a prefix or folder that holds several of them.",
            limit=MOST,
        )


def _again(resolution: Resolution) -> None:
    """Forget why the commit failed: what it is of has changed."""
    Resolution.objects.filter(pk=resolution.pk).update(code="", why="", attempts=0)


def tell(actor: Actor, act: str, draft: Version, order: ReferenceOrder, **more: Any) -> None:
    """Record an act of the entity, and of no project: what is not committed is invisible to others."""
    project = draft.sequence.project
    subject = f"{project}/{draft.sequence.name}"
    # An address may be signed: whoever reads the log should not be let in by it.
    after = {"uri": order.uri, "name": order.name, **more}
    after = {name: unsigned(value) if isinstance(value, str) else value for name, value in after.items()}
    events.record(actor, act, entity=project.entity, subject=subject, after=after)


def retry(actor: Actor, *, draft: Version, order: ReferenceOrder | None = None) -> int:
    """Try a failed reference again, or all that failed, and the commit that failed with them; returns how many."""
    check_cared_for(actor, draft)
    with transaction.atomic():
        resolution = Resolution.objects.select_for_update().filter(pk=draft.pk).first()
        if resolution is None:
            return 0
        rows = ReferenceOrder.objects.filter(draft=draft, state=State.FAILED)
        failed = list(rows if order is None else rows.filter(pk=order.pk))
        for each in failed:
            tell(actor, "reference.retry", draft, each)
        ReferenceOrder.objects.filter(pk__in=[each.pk for each in failed]).update(
            state=State.WAITING, code="", why="", attempts=0, try_at=None, finished_at=None
        )
        had_failed = bool(resolution.code)
        _again(resolution)
        wake(draft.pk)
    return len(failed) or int(had_failed)


def drop(actor: Actor, *, draft: Version, order: ReferenceOrder) -> None:
    """Take a reference out of a draft, with all that was found for it; also while it is resolved."""
    check_cared_for(actor, draft)
    with transaction.atomic():
        # The lock of who resolves and who commits: they see it, or it sees what they have done.
        resolution = Resolution.objects.select_for_update().filter(pk=draft.pk).first()
        if resolution is None or not ReferenceOrder.objects.filter(pk=order.pk).delete()[0]:
            raise NotFound("The draft has no such reference any more.")
        _again(resolution)
        tell(actor, "reference.drop", draft, order)
        wake(draft.pk)


def give_up(actor: Actor, *, draft: Version) -> None:
    """Give the whole draft up."""
    check_cared_for(actor, draft)
    if not drafts.discard(draft):
        raise drafting.closed(draft)


def commit_when_resolved(
    actor: Actor, *, draft: Version, aliases: Iterable[str] = (), tags: Iterable[str] = ()
) -> None:
    """Ask for the commit, to happen once all references are resolved; what bytes it lacks is told at once."""
    check_own(actor, draft)
    wanted, tagged = check_aliases(aliases), check_tags(tags)
    if draft.manifest is not None:
        manifests.seal(draft.manifest)
    with transaction.atomic():
        resolution = _opened(actor, _locked(draft))
        if not ReferenceOrder.objects.filter(draft=draft).exists():
            raise InvalidInput("The draft has no references to resolve: commit it.")
        Resolution.objects.filter(pk=resolution.pk).update(
            asked_at=now(), aliases=wanted, tags=tagged, code="", why="", attempts=0, **asked(actor)
        )
        wake(draft.pk)


def wake(draft_id: int) -> None:
    """Have a worker look at a draft, once this transaction is done; the clock finds what is not heard."""
    transaction.on_commit(partial(_send, draft_id))


def _send(draft_id: int) -> None:
    try:
        # One that is down says so at once; sending would try for seconds, with somebody waiting for the page.
        queue.answers()
        queue.send(RESOLVE, str(draft_id))
    except Exception as error:  # noqa: BLE001  # the queue's own, whatever it is: the row is what counts
        log.warning("The queue did not take the references of a draft: %s", error)

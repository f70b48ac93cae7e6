"""References that the server resolves: added to a draft, watched, tried again, dropped; and the commit that waits."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import Coalesce
from strongroom.core.names import check_aliases, check_tags
from strongroom.core.references.base import MAX_OBJECTS

from registry import manifests, queue
from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, NotFound, RegistryError
from registry.models import ReferenceOrder, Resolution, Version
from registry.policy import Act, can, check
from registry.schedule import RESOLVE
from registry.services import drafting, drafts, events, outside, versions
from registry.services._common import now

State = ReferenceOrder.State
# Of one draft: each may be a prefix of millions.
MOST = 1000
_LONGEST = 4096
# What a draft's references are altogether.
STATES = ("open", "resolving", "resolved", "committing", "failed", "committed")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outlook:
    """How far a draft is."""

    draft: Version
    resolution: Resolution | None
    total: int
    open: int
    failed: int
    found_count: int
    found_bytes: int

    @property
    def state(self) -> str:
        """Say in one of `STATES` what is happening."""
        if self.draft.state != Version.State.PENDING:
            return "committed"
        if self.open:
            return "resolving"
        if self.failed or (self.resolution is not None and self.resolution.code):
            return "failed"
        if self.resolution is not None and self.resolution.asked_at is not None:
            return "committing"
        return "resolved" if self.total else "open"

    @property
    def done(self) -> int:
        """Return how many are resolved."""
        return self.total - self.open - self.failed

    @property
    def is_moving(self) -> bool:
        """Say whether a worker is at it, or will be."""
        return self.state in ("resolving", "committing")


def find(actor: Actor, public_id: str) -> Version:
    """Find a draft whose references one may look after: one's own, or as an admin of where it is made."""
    rows = Version.objects.filter(pk=versions.version_pk(public_id))
    draft = rows.select_related(
        "sequence__project__entity", "sequence__type", "manifest", "created_by"
    ).first()
    if draft is None:
        raise _unknown()
    _check_seen(actor, draft)
    return draft


def _check_seen(actor: Actor, draft: Version) -> None:
    """Pass who made the draft; and, while the server resolves references of it, admins of its project."""
    project = draft.sequence.project
    if is_mine(actor, draft) and can(actor, Act.LOG, project):
        return
    if not can(actor, Act.EDIT_PROJECT, project) or not Resolution.objects.filter(pk=draft.pk).exists():
        raise _unknown()


def _check_cared_for(actor: Actor, draft: Version) -> None:
    _check_seen(actor, draft)
    drafting.check_open(actor, draft)


def _check_own(actor: Actor, draft: Version) -> None:
    """Pass who made the draft: its commit is theirs."""
    if not is_mine(actor, draft):
        raise NotFound("You have no draft with this id.")
    drafting.check_open(actor, draft)


def _unknown() -> NotFound:
    return NotFound("There is no draft with this id that you made, or that you may look after.")


def is_mine(actor: Actor, draft: Version) -> bool:
    """Say whether it is the person's own draft."""
    return actor.user is not None and draft.created_by_id == actor.user.pk


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
    _check_own(actor, draft)
    if not 1 <= max_objects <= MAX_OBJECTS:
        raise InvalidInput(f"max_objects is from 1 to {MAX_OBJECTS:,}.", field="max_objects")
    outside.judge(actor, draft.sequence.project.entity, uri, name, checksum=checksum)
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
    Resolution.objects.get_or_create(draft=draft, defaults={**_asked(actor), "created_at": now()})
    return Resolution.objects.select_for_update().get(pk=draft.pk)


def _asked(actor: Actor) -> dict[str, Any]:
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
    after = {"uri": order.uri, "name": order.name, **more}
    events.record(actor, act, entity=project.entity, subject=subject, after=after)


def listing(
    actor: Actor, *, draft: Version, state: str | None = None, q: str | None = None
) -> QuerySet[ReferenceOrder]:
    """List the references of a draft in the order in which they were added."""
    _check_seen(actor, draft)
    rows = ReferenceOrder.objects.filter(draft=draft)
    if state:
        rows = rows.filter(state=state)
    return rows.filter(uri__icontains=q) if q else rows


def outlook(actor: Actor, *, draft: Version) -> Outlook:
    """Say how far a draft is; a few queries, however many references it has."""
    _check_seen(actor, draft)
    resolution = Resolution.objects.filter(pk=draft.pk).first()
    counts: dict[str, Any] = {"total": 0, "found_count": 0, "found_bytes": 0}
    by_state: dict[str, int] = {}
    rows = ReferenceOrder.objects.filter(draft=draft).order_by().values("state")
    for row in rows.annotate(
        rows=Count("pk"), found=Coalesce(Sum("found_count"), 0), size=Coalesce(Sum("found_bytes"), 0)
    ):
        by_state[row["state"]] = row["rows"]
        counts["total"] += row["rows"]
        counts["found_count"] += row["found"]
        counts["found_bytes"] += row["size"]
    waiting = by_state.get(State.WAITING, 0) + by_state.get(State.RESOLVING, 0)
    return Outlook(draft, resolution, open=waiting, failed=by_state.get(State.FAILED, 0), **counts)


def made(actor: Actor, *, limit: int) -> list[Version]:
    """Return the person's own drafts with references that the server resolves, the last begun first."""
    check(actor, Act.VIEW, None)
    # Of a project that was deleted, or that one has left, there is no page.
    rows = Version.objects.visible_to(actor.user).filter(created_by=actor.user, state=Version.State.PENDING)
    rows = rows.filter(resolution__isnull=False)
    slim = rows.select_related("sequence__project__entity", "resolution").defer("description", "metadata")
    return list(slim.order_by("-created_at", "-pk")[:limit])


def open_to(actor: Actor, drafts_here: Iterable[Version]) -> set[int]:
    """Return the keys of those drafts of one project whose page the person may see."""
    some = list(drafts_here)
    if not some:
        return set()
    cares = can(actor, Act.EDIT_PROJECT, some[0].sequence.project)
    mine = [draft.pk for draft in some if cares or is_mine(actor, draft)]
    return set(Resolution.objects.filter(pk__in=mine).values_list("pk", flat=True)) if mine else set()


def find_order(actor: Actor, draft: Version, order_id: int) -> ReferenceOrder:
    """Find one reference of a draft."""
    _check_seen(actor, draft)
    order = ReferenceOrder.objects.filter(draft=draft, pk=order_id).first()
    if order is None:
        raise NotFound("The draft has no such reference; it may have been dropped, or committed.")
    return order


def retry(actor: Actor, *, draft: Version, order: ReferenceOrder | None = None) -> int:
    """Try a failed reference again, or all that failed, and the commit that failed with them; returns how many."""
    _check_cared_for(actor, draft)
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
    _check_cared_for(actor, draft)
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
    _check_cared_for(actor, draft)
    if not drafts.discard(draft):
        raise drafting.closed(draft)


def commit_when_resolved(
    actor: Actor, *, draft: Version, aliases: Iterable[str] = (), tags: Iterable[str] = ()
) -> None:
    """Ask for the commit, to happen once all references are resolved; what bytes it lacks is told at once."""
    _check_own(actor, draft)
    wanted, tagged = check_aliases(aliases), check_tags(tags)
    if draft.manifest is not None:
        manifests.seal(draft.manifest)
    with transaction.atomic():
        resolution = _opened(actor, _locked(draft))
        if not ReferenceOrder.objects.filter(draft=draft).exists():
            raise InvalidInput("The draft has no references to resolve: commit it.")
        Resolution.objects.filter(pk=resolution.pk).update(
            asked_at=now(), aliases=wanted, tags=tagged, code="", why="", attempts=0, **_asked(actor)
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

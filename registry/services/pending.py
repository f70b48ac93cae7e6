"""Pending versions: who may look at a draft whose references the server resolves, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import Coalesce

from registry.actor import Actor
from registry.errors import NotFound
from registry.models import ReferenceOrder, Resolution, Version
from registry.models.prepared import Prepared
from registry.policy import Act, can, check
from registry.services import drafting, versions

State = ReferenceOrder.State
# What a draft's references are altogether.
STATES = ("open", "resolving", "resolved", "committing", "failed", "committed")
# Most people have none: that is seen before the list is composed, which takes longer.
_HAS_ANY = Prepared[list[int]](
    lambda user: Resolution.objects.filter(
        draft__created_by=user, draft__state=Version.State.PENDING
    ).values_list("pk")[:1]
)


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
        asked = self.resolution
        if asked is not None and asked.asked_at is not None:
            has_content = self.total > 0 or self.draft.manifest_id is not None or asked.renews_id is not None
            if has_content:
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
    check_seen(actor, draft)
    return draft


def check_seen(actor: Actor, draft: Version) -> None:
    """Pass who made the draft; and, while the server resolves references of it, admins of its project."""
    project = draft.sequence.project
    if is_mine(actor, draft) and can(actor, Act.LOG, project):
        return
    if not can(actor, Act.EDIT_PROJECT, project) or not Resolution.objects.filter(pk=draft.pk).exists():
        raise _unknown()


def check_cared_for(actor: Actor, draft: Version) -> None:
    check_seen(actor, draft)
    drafting.check_open(actor, draft)


def check_own(actor: Actor, draft: Version) -> None:
    """Pass who made the draft: its commit is theirs."""
    if not is_mine(actor, draft):
        raise NotFound("You have no draft with this id.")
    drafting.check_open(actor, draft)


def _unknown() -> NotFound:
    return NotFound("There is no draft with this id that you made, or that you may look after.")


def is_mine(actor: Actor, draft: Version) -> bool:
    """Say whether it is the person's own draft."""
    return actor.user is not None and draft.created_by_id == actor.user.pk


def listing(
    actor: Actor, *, draft: Version, state: str | None = None, q: str | None = None
) -> QuerySet[ReferenceOrder]:
    """List the references of a draft in the order in which they were added."""
    check_seen(actor, draft)
    rows = ReferenceOrder.objects.filter(draft=draft)
    if state:
        rows = rows.filter(state=state)
    return rows.filter(uri__icontains=q) if q else rows


def outlook(actor: Actor, *, draft: Version) -> Outlook:
    """Say how far a draft is; a few queries, however many references it has."""
    check_seen(actor, draft)
    resolution = Resolution.objects.select_related("renews").filter(pk=draft.pk).first()
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
    if resolution is not None and resolution.renews is not None:
        counts["found_count"] = resolution.done_count
    waiting = by_state.get(State.WAITING, 0) + by_state.get(State.RESOLVING, 0)
    return Outlook(draft, resolution, open=waiting, failed=by_state.get(State.FAILED, 0), **counts)


def made(actor: Actor, *, limit: int) -> list[Version]:
    """Return the person's own drafts with references that the server resolves, the last begun first.

    `failed` says of each whether it waits for the person: a reference failed, or its commit.
    """
    check(actor, Act.VIEW, None)
    if actor.user is None or not _HAS_ANY.all(actor.user.pk):
        return []
    # Of a project that was deleted, or that one has left, there is no page.
    rows = Version.objects.visible_to(actor.user).filter(created_by=actor.user, state=Version.State.PENDING)
    failed = ReferenceOrder.objects.filter(draft=OuterRef("pk"), state=State.FAILED)
    rows = rows.filter(resolution__isnull=False).annotate(
        failed=ExpressionWrapper(Exists(failed) | ~Q(resolution__code=""), output_field=BooleanField())
    )
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
    check_seen(actor, draft)
    order = ReferenceOrder.objects.filter(draft=draft, pk=order_id).first()
    if order is None:
        raise NotFound("The draft has no such reference; it may have been dropped, or committed.")
    return order

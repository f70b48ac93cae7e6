"""What others do to promotions that are in review: an alias moved, a card was edited, somebody lost a role.

Called in the transactions of those acts, so that a list never tells of an approval that is none any more. What is
promoted is judged anew whatever the list says.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from registry.actor import Actor
from registry.models import Collection, Event, Promotion, PromotionReview, User
from registry.services import approvals, events
from registry.services._common import now

State = Promotion.State


def subject(promotion: Promotion) -> str:
    """Return how events call a promotion: the same for all of its own."""
    return f"promotion {promotion.number}"


def told(
    actor: Actor, act: str, promotion: Promotion, *, before: object = None, after: object = None
) -> Event:
    """Return an event of a promotion; the caller appends it."""
    return events.make(
        actor,
        act,
        collection=promotion.collection,
        version=promotion.version,
        subject=subject(promotion),
        before=before,
        after=after,
    )


def alias_moved(
    actor: Actor, collection: Collection, moves: dict[str, int | None], *, promotion: int | None = None
) -> list[Event]:
    """Put promotions out of date whose alias has another holder than they were opened against.

    `moves` are the numbers of the new holders by alias; the collection is locked. Returns the events to append.
    """
    if collection.kind != Collection.Kind.PORTFOLIO or not moves:
        return []
    rows = (
        Promotion.objects.going()
        .filter(collection=collection, alias__in=list(moves))
        .exclude(pk=promotion or 0)
    )
    rows = rows.select_for_update(of=("self",)).select_related("project__entity", "version")
    stale = [row for row in rows.order_by("pk") if row.base_number != moves[row.alias]]
    _set(stale, State.OUT_OF_DATE)
    return [
        told(
            actor,
            "promotion.outdate",
            row,
            before=None if row.base_number is None else f"v{row.base_number}",
            after=None if moves[row.alias] is None else f"v{moves[row.alias]}",
        )
        for row in stale
    ]


def evidence_changed(version_id: int) -> None:
    """Let approvals fall that were of another card or of other results, where the rule says that they do."""
    rows = Promotion.objects.filter(state=State.APPROVED, version=version_id)
    found = list(rows.select_for_update(of=("self",)).select_related("project__entity").order_by("pk"))
    fallen = [row for row in found if (rule := approvals.rule_for(row)).approvals_fall and rule.approvals]
    _set(fallen, State.OPEN)


def reconsider(users: Iterable[User]) -> None:
    """Count the reviews anew of promotions that somebody took part in whose rights changed."""
    took_part = PromotionReview.objects.filter(user__in=[user.pk for user in users])
    _reconsider(Promotion.objects.going().filter(pk__in=took_part.values("promotion")))


def reconsider_registry(project_id: int) -> None:
    """Count the reviews anew of a registry's promotions, when its rules or its members changed."""
    _reconsider(Promotion.objects.going().filter(project=project_id))


def _reconsider(rows: Iterable[Promotion]) -> None:
    ids = sorted(row.pk for row in rows)
    if not ids:
        return
    with transaction.atomic():
        locked = Promotion.objects.going().filter(pk__in=ids).select_for_update(of=("self",))
        for row in locked.select_related("project__entity").order_by("pk"):
            rule = approvals.rule_for(row)
            state = approvals.state_of(rule, approvals.count(row, rule))
            # What fell by new evidence stays fallen: that is not looked at here.
            rises = state == State.APPROVED and row.state == State.OPEN and rule.approvals_fall
            if state != row.state and not rises:
                _set([row], state)


def _set(rows: list[Promotion], state: str) -> None:
    if rows:
        at = now()
        Promotion.objects.filter(pk__in=[row.pk for row in rows]).update(state=state, updated_at=at)
        for row in rows:
            row.state, row.updated_at = state, at

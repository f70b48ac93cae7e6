"""Promotions under the locks of all that they depend on; how they end, and how that is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Q

from registry.actor import Actor
from registry.errors import ChangedMeanwhile, Gone, NotFound, PromotionBlocked, PromotionClosed
from registry.models import Membership, Promotion, User, Version
from registry.services import events, judging, locks, promotion_states
from registry.services._common import now


@contextmanager
def locked(promotion: Promotion, other: Membership | None = None) -> Iterator[Promotion]:
    """Yield a promotion as it is now, with all locked that it depends on, in one transaction.

    Where its candidate was logged, then its registered model, then all promotions of the alias: the order in which
    everything else that changes versions and aliases takes its locks.
    """
    with transaction.atomic():
        sources = {version.sequence_id for version in (promotion.version, other and other.version) if version}
        locks.lock_rows(sources)
        [place] = locks.lock_rows([promotion.collection_id])
        if place.deleted_at is not None:
            raise Gone(f"{place.name} was deleted, and its promotions with it.")
        of_alias = Q(collection=promotion.collection_id, alias=promotion.alias)
        ids = (
            Promotion.objects.filter(of_alias)
            .exclude(state__in=Promotion.CLOSED)
            .values_list("pk", flat=True)
        )
        rows = Promotion.objects.select_for_update(of=("self",)).whole().filter(pk__in={*ids, promotion.pk})
        row = next((row for row in rows.order_by("pk") if row.pk == promotion.pk), None)
        if row is None:
            raise NotFound(f"Promotion {promotion.number} is not there any more: its registry was purged.")
        if row.version_id != promotion.version_id:
            raise ChangedMeanwhile(
                f"v{row.candidate_number} is proposed by now. Look at it again. Nothing was changed.",
                field="version",
                now=written(row.candidate_number),
            )
        row.collection = place
        for side in (row.candidate, row.base):
            if side is not None:
                side.collection = place
        yield row


def refuse_closed(row: Promotion) -> None:
    """Raise PromotionClosed for what was promoted, refused or withdrawn."""
    if row.is_closed:
        who = f" by {row.closed_by.username}" if row.closed_by else ""
        raise PromotionClosed(
            f"Promotion {row.number} was {row.get_state_display().lower()}{who}. Open another one.",
            state=row.state,
        )


def close(row: Promotion, actor: Actor, state: str, closing: str = "") -> None:
    """End a promotion, which is locked."""
    row.state, row.closing = state, closing
    row.closed_at = row.updated_at = now()
    row.closed_by = actor.user
    row.save(update_fields=["state", "closing", "closed_at", "closed_by", "updated_at"])


def settle(row: Promotion) -> None:
    """Keep the state that the reviews give a promotion in review, which is locked."""
    judged = judging.judge(row)
    if row.state != judged.state:
        row.state, row.updated_at = judged.state, now()
        row.save(update_fields=["state", "updated_at"])


def there(row: Promotion) -> Membership:
    """Return the candidate, or say why there is none any more."""
    found = row.candidate
    if found is None:
        raise PromotionBlocked(
            f"v{row.candidate_number} was unlinked from {row.collection.name} meanwhile. "
            f"Propose another version, or withdraw the promotion.",
            missing=[f"v{row.candidate_number} is not linked any more"],
        )
    version = found.version
    if version.state != Version.State.COMMITTED:
        on = f" on {version.deleted_at:%Y-%m-%d %H:%M} UTC" if version.deleted_at else ""
        raise PromotionBlocked(
            f"v{row.candidate_number} was deleted{on}. Restore it, propose another version, or withdraw the promotion.",
            missing=[f"v{row.candidate_number} was deleted"],
        )
    return found


def asked(row: Promotion) -> list[User]:
    return [each.user for each in row.reviewers.select_related("user")]


def concerned(row: Promotion, actor: Actor) -> list[User]:
    """Who asked for it and who was asked, but not who does it."""
    people = [*([row.author] if row.author else []), *asked(row)]
    return [user for user in {user.pk: user for user in people}.values() if user != actor.user]


def tell(actor: Actor, act: str, row: Promotion, *, before: object = None, after: object = None) -> None:
    events.append([promotion_states.told(actor, act, row, before=before, after=after)])


def written(number: int | None) -> str | None:
    return None if number is None else f"v{number}"

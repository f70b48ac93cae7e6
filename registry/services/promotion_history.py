"""What was done with a promotion, how its holder came by the alias, and how its reviewers stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.actor import Actor
from registry.models import AliasMove, Event, Promotion, User
from registry.policy import Act, check
from registry.services import approvals, promotion_states
from registry.services._common import now
from registry.services.promotion_locks import asked

# What the conversation tells besides reviews and comments, which have rows of their own.
_TOLD = (
    "promotion.open",
    "promotion.ask",
    "promotion.replace",
    "promotion.reopen",
    "promotion.outdate",
    "promotion.promote",
    "promotion.withdraw",
)
_MOST_TOLD = 200


def standing_of_reviewers(promotion: Promotion, counted: approvals.Counted) -> list[tuple[User, str, str]]:
    """Return who was asked or reviewed, each with how they stand (approved, changes, lost, waiting) and why."""
    people = {user.pk: (user, "waiting", "") for user in asked(promotion)}
    people |= {row.user_id: (row.user, "approved", "") for row in counted.approvals}
    people |= {row.user_id: (row.user, "changes", "") for row in counted.asks}
    people |= {row.user_id: (row.user, "lost", why) for row, why in counted.lost}
    return sorted(people.values(), key=lambda each: each[0].username)


@dataclass(frozen=True, slots=True)
class Held:
    """Since when the holder of an alias has it, and by whom or which promotion it came there."""

    at: datetime
    by: str
    promotion: Promotion | None


def held_since(promotion: Promotion) -> Held | None:
    """Return how the holder that a promotion was opened against came by the alias."""
    if promotion.base_number is None:
        return None
    rows = AliasMove.objects.filter(collection=promotion.collection_id, name=promotion.alias)
    rows = rows.filter(number=promotion.base_number, at__lte=promotion.closed_at or now())
    move = rows.order_by("-at", "-pk").first()
    if move is None:
        return None
    by = Promotion.objects.filter(pk=move.promotion_id or 0, project=promotion.project_id).first()
    return Held(move.at, move.actor_name, by)


def history(actor: Actor, promotion: Promotion) -> list[Event]:
    """Return the acts on a promotion, and edits of its candidate while it was in review; the oldest first."""
    check(actor, Act.VIEW, promotion.project)
    rows = Event.objects.filter(collection_id=promotion.collection_id, act__in=_TOLD)
    found = list(rows.filter(subject=promotion_states.subject(promotion)).order_by("id")[:_MOST_TOLD])
    edits = Event.objects.filter(
        version_id=promotion.version_id, act="version.edit", at__gte=promotion.created_at
    )
    if promotion.closed_at is not None:
        edits = edits.filter(at__lte=promotion.closed_at)
    found += list(edits.order_by("id")[:_MOST_TOLD])
    told = [event for event in found if event.act != "promotion.open" or (event.after or {}).get("reviewers")]
    return sorted(told, key=lambda event: event.pk)

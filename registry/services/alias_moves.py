"""The history of aliases, as it is written: in the transaction that moves them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from registry.actor import Actor
from registry.models import AliasMove, Version
from registry.services._common import now

How = AliasMove.How
LONGEST_REASON = 2000
# A move lies no longer than this before the event that tells of it: no act takes longer between the two.
SLACK = timedelta(minutes=1)
# What becomes of aliases whose version goes to the trash, by its cause.
WITH_VERSION = {Version.Cause.PERSON: How.DELETE, Version.Cause.EXPIRY: How.EXPIRE}


class Moved(NamedTuple):
    """An alias of a collection, and the number of the version that it came to; None where it fell off."""

    collection_id: int
    name: str
    number: int | None


def write(
    actor: Actor, moves: Iterable[Moved], how: str, *, reason: str = "", promotion: int | None = None
) -> None:
    """Note that aliases moved; call it with their collections locked, so that the rows follow each other in time."""
    at = now()
    AliasMove.objects.bulk_create(
        AliasMove(
            collection_id=move.collection_id,
            name=move.name,
            number=move.number,
            at=at,
            how=how,
            actor_id=actor.user.pk if actor.user else None,
            actor_name=actor.name,
            reason=reason[:LONGEST_REASON],
            promotion_id=promotion,
        )
        for move in moves
    )

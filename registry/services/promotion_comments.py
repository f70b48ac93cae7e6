"""What is said of promotions: of the whole, of a file, of a metadata key; and when it is settled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from registry.actor import Actor
from registry.errors import InvalidInput, NotAuthenticated, NotFound, RegistryError
from registry.models import Membership, Promotion, PromotionComment
from registry.policy import Act, check
from registry.services import events, files, inbox, promotion_states
from registry.services._common import now
from registry.services.filters import write_path
from registry.services.promotion_lists import LARGEST
from registry.services.promotion_locks import locked
from registry.services.reviews import check_body

On = PromotionComment.On
_DEPTH = 8


def comment(
    actor: Actor, *, promotion: Promotion, body: str, on: str = "", anchor: str = ""
) -> PromotionComment:
    """Say something of a promotion, also of one that is over."""
    check(actor, Act.DISCUSS, promotion.project)
    body = check_body(body)
    if not body.strip():
        raise InvalidInput("A comment says something. Write it down.", field="body")
    _check_anchor(actor, promotion, on, anchor)
    with locked(promotion) as row:
        if actor.user is None:
            raise NotAuthenticated("A comment is a person's. Sign in, or send a person's API key.")
        made = row.comments.create(user=actor.user, body=body, on=on, anchor=anchor)
        Promotion.objects.filter(pk=row.pk).update(updated_at=now())
        after = {"comment": body, **({"on": on, "anchor": anchor} if on else {})}
        events.append([promotion_states.told(actor, "promotion.comment", row, after=after)])
        people = [
            *([row.author] if row.author else []),
            *(each.user for each in row.reviewers.select_related("user")),
        ]
        told = {user.pk: user for user in people if user != actor.user}
        inbox.tell(row, inbox.COMMENTED, list(told.values()), comment=made)
    return made


def listing(actor: Actor, *, promotion: Promotion) -> QuerySet[PromotionComment]:
    """List what was said, the oldest first."""
    check(actor, Act.VIEW, promotion.project)
    return promotion.comments.select_related("user", "settled_by").order_by("pk")


def find(actor: Actor, promotion: Promotion, number: int) -> PromotionComment:
    """Find a comment of a promotion."""
    check(actor, Act.VIEW, promotion.project)
    rows = promotion.comments.filter(pk=number).select_related("user", "settled_by")
    found = rows.first() if number < LARGEST else None
    if found is None:
        raise NotFound(f"Promotion {promotion.number} has no such comment.")
    return found


def settle(
    actor: Actor, *, promotion: Promotion, comment: PromotionComment, settled: bool = True
) -> PromotionComment:
    """Call a comment settled, or open again; safe to repeat."""
    check(actor, Act.DISCUSS, promotion.project)
    with locked(promotion) as row:
        fresh = row.comments.select_for_update().get(pk=comment.pk)
        if (fresh.settled_at is not None) == settled:
            return fresh
        fresh.settled_at, fresh.settled_by = (now(), actor.user) if settled else (None, None)
        fresh.save(update_fields=["settled_at", "settled_by"])
        after = {"comment": fresh.pk, "settled": settled}
        events.append([promotion_states.told(actor, "promotion.settle", row, after=after)])
    return fresh


def _check_anchor(actor: Actor, promotion: Promotion, on: str, anchor: str) -> None:
    """A comment hangs on what is there, in the candidate or in the holder that it is compared with."""
    if on not in On.values:
        raise InvalidInput(
            f'"{on}" is nothing that a comment hangs on. Choose file or metadata, or leave it out.',
            field="on",
        )
    if not on:
        if anchor:
            raise InvalidInput("Say whether it is a file or a metadata key.", field="on")
        return
    sides = [side for side in (promotion.candidate, promotion.base) if side is not None]
    has = _has_file if on == On.FILE else _has_key
    if not anchor or len(anchor) > 1024 or not any(has(actor, side, anchor) for side in sides):
        what = "file" if on == On.FILE else "metadata key"
        raise InvalidInput(
            f'Neither version has a {what} "{anchor[:200]}". Choose one that is there.', field="anchor"
        )


def _has_file(actor: Actor, side: Membership, path: str) -> bool:
    try:
        files.entry(actor, side, path)
    except RegistryError as error:
        if error.status not in (400, 404):
            raise
        return False
    return True


def _has_key(actor: Actor, side: Membership, key: str) -> bool:
    return any(write_path(path) == key for path in _paths(side.version.metadata, ()))


def _paths(value: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, below in value.items():
        path = (*above, key)
        yield path
        if isinstance(below, dict) and len(path) < _DEPTH:
            yield from _paths(below, path)

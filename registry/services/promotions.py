"""Promotions: ask that a version take an alias, change what is asked for, make it so, take it back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, PromotionBlocked, PromotionOutdated
from registry.models import Collection, Membership, Promotion, User, Version
from registry.policy import Act, can, check
from registry.services import aliases, approvals, inbox, judging, locks, promotion_asks, promotion_checks
from registry.services._common import now
from registry.services.promotion_asks import base_of, may_be_asked
from registry.services.promotion_lists import GOING, asked_by, find, listing, waiting_for
from registry.services.promotion_locks import (
    asked,
    close,
    concerned,
    locked,
    refuse_closed,
    settle,
    tell,
    there,
    written,
)

__all__ = [
    "GOING",
    "ask",
    "asked_by",
    "find",
    "listing",
    "may_be_asked",
    "open",
    "promote",
    "promoting",
    "renew",
    "replace",
    "rollback",
    "waiting_for",
    "withdraw",
]

State = Promotion.State


def open(
    actor: Actor,
    *,
    membership: Membership,
    alias: str,
    title: str = "",
    reason: str = "",
    reviewers: Iterable[str] = (),
    rollback_of: Promotion | None = None,
) -> Promotion:
    """Ask that a linked version take an alias of its registered model, from whoever holds it now."""
    place = membership.collection
    check(actor, Act.PROPOSE, place.project)
    alias = promotion_asks.check_place(membership, alias)
    title = promotion_asks.check_title(title) or f"Promote {place.name} v{membership.number} to {alias}"
    reason = promotion_asks.check_reason(reason)
    with transaction.atomic():
        locks.lock_places(membership)
        aliases.refuse_gone(membership)
        base = base_of(membership, alias)
        promotion_asks.refuse_twice(membership, alias)
        made = Promotion.objects.create(
            project=place.project,
            number=promotion_asks.next_number(place.project),
            collection=place,
            alias=alias,
            candidate=membership,
            candidate_number=membership.number,
            version=membership.version,
            base=base,
            base_number=base.number if base else None,
            title=title,
            reason=reason,
            rollback_of=rollback_of,
            author=actor.user,
        )
        people = promotion_asks.reviewers_named(made, reviewers)
        promotion_asks.ask_these(actor, made, people)
        tell(actor, "promotion.open", made, before=written(made.base_number), after=_opened(made, people))
        settle(made)
        promotion_checks.begin(made)
        inbox.tell(made, inbox.ASKED, people)
    return made


def _opened(made: Promotion, people: list[User]) -> dict[str, Any]:
    return {
        "version": written(made.candidate_number),
        "alias": made.alias,
        "title": made.title,
        "reviewers": sorted(user.username for user in people),
        **({"rolls_back": made.rollback_of.number} if made.rollback_of else {}),
    }


def ask(actor: Actor, *, promotion: Promotion, reviewers: Iterable[str]) -> Promotion:
    """Make `reviewers` the list of those who are asked for a review; who is new to it is told."""
    check(actor, Act.PROPOSE, promotion.project)
    with locked(promotion) as row:
        refuse_closed(row)
        before = sorted(row.reviewers.values_list("user__username", flat=True))
        people = promotion_asks.reviewers_named(row, reviewers)
        fresh = promotion_asks.ask_these(actor, row, people)
        after = sorted(user.username for user in people)
        if after != before:
            tell(actor, "promotion.ask", row, before=before, after=after)
            inbox.tell(row, inbox.ASKED, fresh)
    return row


def replace(actor: Actor, *, promotion: Promotion, membership: Membership) -> Promotion:
    """Propose another version of the same registered model: a new round of reviews begins."""
    check(actor, Act.PROPOSE, promotion.project)
    promotion_asks.check_place(membership, promotion.alias)
    if membership.collection_id != promotion.collection_id:
        raise InvalidInput(
            f"{membership.name} is not of {promotion.collection.name}. Choose one of its versions.",
            field="version",
        )
    with locked(promotion, membership) as row:
        refuse_closed(row)
        aliases.refuse_gone(membership)
        if row.candidate_id == membership.pk:
            return row
        base = base_of(membership, row.alias)
        promotion_asks.refuse_twice(membership, row.alias, row.pk)
        before = row.candidate_number
        row.candidate, row.candidate_number, row.version = membership, membership.number, membership.version
        _new_round(row, base)
        tell(actor, "promotion.replace", row, before=written(before), after=written(row.candidate_number))
        promotion_checks.begin(row)
        inbox.tell(row, inbox.ASKED, asked(row))
    return row


def renew(actor: Actor, *, promotion: Promotion) -> Promotion:
    """Take up a promotion again that is out of date, against whoever holds the alias by now: a new round begins."""
    check(actor, Act.PROPOSE, promotion.project)
    with locked(promotion) as row:
        refuse_closed(row)
        candidate = there(row)
        base = base_of(candidate, row.alias)
        if (base.number if base else None) == row.base_number:
            raise Conflict(f"Promotion {row.number} is not out of date: nothing moved since it was opened.")
        before = row.base_number
        _new_round(row, base)
        tell(actor, "promotion.reopen", row, before=written(before), after=written(row.base_number))
        promotion_checks.begin(row)
        inbox.tell(row, inbox.ASKED, asked(row))
    return row


def _new_round(row: Promotion, base: Membership | None) -> None:
    """Begin with the reviews anew: what was said of another candidate, or beside another holder, is not of this."""
    row.base, row.base_number = base, base.number if base else None
    row.round += 1
    row.state = State.OPEN
    row.updated_at = now()
    row.save()
    settle(row)


def withdraw(actor: Actor, *, promotion: Promotion, reason: str = "") -> Promotion:
    """Take a promotion back: for who asked for it, and for admins of the registry."""
    check(actor, Act.VIEW, promotion.project)
    reason = promotion_asks.check_reason(reason)
    mine = actor.user is not None and promotion.author_id == actor.user.pk
    if not (mine and can(actor, Act.PROPOSE, promotion.project)):
        check(actor, Act.PROTECT, promotion.project)
    with locked(promotion) as row:
        refuse_closed(row)
        before = row.state
        close(row, actor, State.WITHDRAWN, reason)
        tell(actor, "promotion.withdraw", row, before=before, after={"reason": reason})
        inbox.tell(row, inbox.CLOSED, concerned(row, actor))
    return row


def promote(actor: Actor, *, promotion: Promotion, seen: str = "") -> Promotion:
    """Move the alias to the candidate, when all that the rule asks for is met; PromotionBlocked says what isn't.

    `seen` is the mark of what the person looked at (`judging.Judgement.seen`): another candidate isn't promoted.
    """
    check(actor, Act.VIEW, promotion.project)
    with locked(promotion) as row:
        check(actor, promoting(row), row.project)
        refuse_closed(row)
        candidate = there(row)
        judged = judging.judge(row)
        judging.refuse_unseen(judged, seen)
        _refuse_unmet(row, judged)
        close(row, actor, State.PROMOTED)
        aliases.assign(actor, candidate, [row.alias], reason=row.title, promotion=row.pk)
        tell(
            actor,
            "promotion.promote",
            row,
            before=written(row.base_number),
            after={
                "version": written(row.candidate_number),
                "alias": row.alias,
                "approvals": judged.approvers(),
            },
        )
        inbox.tell(row, inbox.CLOSED, concerned(row, actor))
    return row


def promoting(promotion: Promotion) -> Act:
    """Return the act that promoting is by the rule of the alias."""
    by_members = approvals.rule_for(promotion).promoter_role == "member"
    return Act.PROMOTE if by_members else Act.PROMOTE_AS_ADMIN


def _refuse_unmet(row: Promotion, judged: judging.Judgement) -> None:
    if judged.is_outdated:
        raise PromotionOutdated(
            f"{judged.held} holds {row.alias} by now, and promotion {row.number} was opened against "
            f"{written(row.base_number) or 'nobody'}. Renew it, or withdraw it. Nothing was changed.",
            holder=judged.held,
        )
    if missing := judged.missing():
        raise PromotionBlocked(
            f"Promotion {row.number} can't be made yet: {'; '.join(missing)}. Nothing was changed.",
            missing=missing,
        )


def rollback(actor: Actor, *, promotion: Promotion, reason: str = "") -> Promotion:
    """Ask that the alias go back to who held it before a promotion: a new promotion, filled in."""
    check(actor, Act.PROPOSE, promotion.project)
    if promotion.state != State.PROMOTED:
        raise Conflict(f"Promotion {promotion.number} was not made: there is nothing to roll back.")
    base = promotion.base
    if base is None or base.version.state != Version.State.COMMITTED:
        raise Conflict(
            f"There is nothing to go back to: {_gone_base(promotion)}. Request a promotion of another version."
        )
    held = aliases.holders(promotion.collection, [promotion.alias]).get(promotion.alias)
    if held is None or held.membership.number != promotion.candidate_number:
        by_now = f"v{held.membership.number} holds it" if held else "nobody holds it"
        raise Conflict(
            f"{promotion.alias} moved on since promotion {promotion.number}: {by_now}. "
            f"Request a promotion of v{base.number} instead."
        )
    title = f"Roll back {promotion.alias} to {promotion.collection.name} v{base.number}"
    return open(
        actor,
        membership=_in(base, promotion.collection),
        alias=promotion.alias,
        title=title[: promotion_asks.LONGEST_TITLE],
        reason=reason or f"Takes back promotion {promotion.number}: {promotion.title}.",
        reviewers=_still_asked(actor, promotion),
        rollback_of=promotion,
    )


def _gone_base(promotion: Promotion) -> str:
    if promotion.base_number is None:
        return f"nobody held {promotion.alias} before"
    return f"v{promotion.base_number} held {promotion.alias} before, and was unlinked or deleted since"


def _in(base: Membership, place: Collection) -> Membership:
    base.collection = place
    return base


def _still_asked(actor: Actor, promotion: Promotion) -> list[str]:
    """Who reviewed it, or was asked to, and whose approval counts of what this person asks for."""
    rule = approvals.rule_for(promotion)
    people = [row.user for row in promotion.reviewers.select_related("user__entity")]
    people += [row.user for row in promotion.reviews.select_related("user__entity")]
    return [
        user.username
        for user in {user.pk: user for user in people}.values()
        if (user != actor.user or rule.author_may_approve)
        and approvals.is_approver(rule, user, promotion.project)
    ]

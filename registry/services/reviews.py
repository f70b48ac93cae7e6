"""Reviews of promotions: approve, request changes, refuse."""

from __future__ import annotations

from typing import Any

from strongroom.core.names import check_description

from registry.actor import Actor
from registry.errors import InvalidInput, NotAuthenticated, PromotionOutdated, ReviewRefused
from registry.models import Promotion, PromotionReview, User
from registry.policy import Act, can, check
from registry.services import approvals, events, inbox, judging, promotion_states
from registry.services.promotion_locks import close, locked, refuse_closed, settle

Verdict = PromotionReview.Verdict
State = Promotion.State


def approve(actor: Actor, *, promotion: Promotion, body: str = "", seen: str = "") -> PromotionReview:
    """Approve what is proposed, as one saw it."""
    return review(actor, promotion=promotion, verdict=Verdict.APPROVE, body=body, seen=seen)


def request_changes(actor: Actor, *, promotion: Promotion, body: str) -> PromotionReview:
    """Ask for changes: nothing is promoted until whoever asked approves, or is none of the approvers any more."""
    return review(actor, promotion=promotion, verdict=Verdict.CHANGES, body=body)


def refuse(actor: Actor, *, promotion: Promotion, body: str) -> PromotionReview:
    """End a promotion without making it."""
    return review(actor, promotion=promotion, verdict=Verdict.REFUSE, body=body)


def review(
    actor: Actor, *, promotion: Promotion, verdict: str, body: str = "", seen: str = ""
) -> PromotionReview:
    """Give a review. Only the last one of each person counts, and of the present round only.

    Who may is judged under the lock, by what holds at that moment: who was just removed from the team is refused.
    """
    check(actor, Act.DISCUSS, promotion.project)
    verdict, body = _check(verdict, body)
    with locked(promotion) as row:
        user = _present(actor)
        refuse_closed(row)
        _refuse_others(actor, row, user, verdict)
        judged = judging.judge(row)
        if verdict == Verdict.APPROVE:
            judging.refuse_unseen(judged, seen)
            _refuse_outdated(row, judged)
        before = row.state
        given = row.reviews.create(
            user=user, verdict=verdict, body=body, round=row.round, evidence=judged.evidence
        )
        if verdict == Verdict.REFUSE:
            close(row, actor, State.REFUSED, body)
        else:
            settle(row)
        _tell(actor, row, given, before)
    return given


def _check(verdict: Any, body: Any) -> tuple[str, str]:
    if verdict not in Verdict.values:
        raise InvalidInput(
            f'"{verdict}" is no review. Choose one of: {", ".join(Verdict.values)}.', field="verdict"
        )
    text = check_body(body)
    if verdict != Verdict.APPROVE and not text.strip():
        what = "what should change" if verdict == Verdict.CHANGES else "why it is refused"
        raise InvalidInput(f"Say {what}: whoever asked for the promotion goes on from that.", field="body")
    return verdict, text


def check_body(body: Any) -> str:
    """Return what is said in a review or a comment: markdown, as long as a card may be."""
    try:
        return check_description(body)
    except InvalidInput as error:
        raise InvalidInput(str(error).replace("description", "comment"), field="body") from None


def _present(actor: Actor) -> User:
    """Return the person with the rights of this moment, not those that were read when the request began."""
    if actor.user is None:
        raise NotAuthenticated("A review is a person's. Sign in, or send a person's API key.")
    return User.objects.select_related("entity").get(pk=actor.user.pk)


def _refuse_others(actor: Actor, row: Promotion, user: User, verdict: str) -> None:
    rule = approvals.rule_for(row)
    refused = approvals.why_not(rule, row, user)
    # An admin of the registry could withdraw it, too.
    is_admin = can(Actor(user=user, door=actor.door), Act.PROTECT, row.project)
    if refused is not None and not (verdict == Verdict.REFUSE and is_admin and row.author_id != user.pk):
        raise ReviewRefused(refused, field="verdict", alias=row.alias)


def _refuse_outdated(row: Promotion, judged: judging.Judgement) -> None:
    if judged.is_outdated:
        raise PromotionOutdated(
            f"{judged.held or 'Nobody'} holds {row.alias} by now: what you approve would be beside another holder. "
            f"Renew the promotion first.",
            holder=judged.held,
        )


def _tell(actor: Actor, row: Promotion, given: PromotionReview, before: str) -> None:
    after = {"verdict": given.verdict, "state": row.state, "comment": given.body}
    act = "promotion.refuse" if given.verdict == Verdict.REFUSE else "promotion.review"
    events.append([promotion_states.told(actor, act, row, before=before, after=after)])
    people = [row.author] if row.author is not None and row.author != actor.user else []
    inbox.tell(row, inbox.CLOSED if given.verdict == Verdict.REFUSE else inbox.REVIEWED, people)

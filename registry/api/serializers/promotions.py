"""Promotions, their reviews and comments, and the rules of protected aliases."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import (
    COUNT,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TEXTS,
    TIME,
    maybe,
    moment,
    record,
    words,
)
from registry.api.shapes import CARD, FLAG, NAME, NAMES, OBJECT, Body, component, integer, many, one_of, text
from registry.models import Promotion, PromotionComment, PromotionReview, ProtectedAlias
from registry.services import protection_rules, registries
from registry.services.judging import Judgement

_FLAG = {"type": "boolean"}
STATE = words(*Promotion.State.values)
_BRIEF = {
    "organization": TEXT,
    "registry": TEXT,
    "number": COUNT,
    "collection": TEXT,
    "alias": TEXT,
    "candidate": {**TEXT, "description": "The version that is to take the alias, as v9"},
    "base": {**MAYBE_TEXT, "description": "Who held the alias when this was opened; null for nobody"},
    "title": TEXT,
    "state": STATE,
    "author": MAYBE_TEXT,
    "created_at": TIME,
    "updated_at": TIME,
    "closed_at": MAYBE_TIME,
    "closed_by": MAYBE_TEXT,
    "url": TEXT,
}
PROMOTION_LINE = component("PromotionLine", record(_BRIEF))
PROMOTION_PAGE = page_of(PROMOTION_LINE, "PromotionPage")
NEED = record({"kind": TEXT, "sentence": TEXT, "met": _FLAG})
CHECK = record(
    {
        "name": TEXT,
        "state": words("pending", "success", "failure", "error"),
        "required": _FLAG,
        "finding": TEXT,
        "link": TEXT,
    }
)
REVIEW = component(
    "PromotionReview",
    record(
        {
            "username": TEXT,
            "verdict": words(*PromotionReview.Verdict.values),
            "body": TEXT,
            "round": COUNT,
            "created_at": TIME,
        }
    ),
)
PROMOTION = component(
    "Promotion",
    record(
        {
            **_BRIEF,
            "reason": TEXT,
            "closing": TEXT,
            "round": {**COUNT, "description": "Another candidate, or another holder, begins a new one"},
            "rollback_of": maybe(COUNT),
            "reviewers": TEXTS,
            "holder": {**MAYBE_TEXT, "description": "Who holds the alias now"},
            "approvals": {**TEXTS, "description": "Whose approval counts now"},
            "missing": {**TEXTS, "description": "What the rule still asks for; empty: it can be promoted"},
            "needs": {"type": "array", "items": NEED},
            "checks": {"type": "array", "items": CHECK},
            "reviews": {"type": "array", "items": REVIEW},
            "seen": {**TEXT, "description": "Sent with an approval or a promotion, it holds of just this"},
        }
    ),
)
COMMENT = component(
    "PromotionComment",
    record(
        {
            "id": COUNT,
            "username": TEXT,
            "body": TEXT,
            "on": words(*PromotionComment.On.values),
            "anchor": TEXT,
            "created_at": TIME,
            "settled_at": MAYBE_TIME,
            "settled_by": MAYBE_TEXT,
        }
    ),
)
COMMENT_PAGE = page_of(COMMENT, "PromotionCommentPage")
_RULE: dict[str, Any] = {
    "approvals": COUNT,
    "approver_role": words(*ProtectedAlias.Approvers.values),
    "approver_team": TEXT,
    "approvers": TEXTS,
    "author_may_approve": _FLAG,
    "approvals_fall": _FLAG,
    "promoter_role": words("member", "admin"),
    "required_checks": TEXTS,
    "check_settings": {"type": "object"},
}
RULE = component("ProtectedAlias", record({"pattern": TEXT, **_RULE, "created_at": TIME, "updated_at": TIME}))
RULE_PAGE = page_of(RULE, "ProtectedAliasPage")
RULE_CHANGES = Body(
    "ProtectedAliasRule",
    optional={
        "approvals": integer(0, ProtectedAlias.MOST_APPROVALS),
        "approver_role": one_of(*ProtectedAlias.Approvers.values),
        "approver_team": text(128),
        "approvers": NAMES,
        "author_may_approve": FLAG,
        "approvals_fall": FLAG,
        "promoter_role": one_of("member", "admin"),
        "required_checks": many(NAME, 50),
        "check_settings": OBJECT,
    },
    empty_ok=True,
)
NEW_PROMOTION = Body(
    "PromotionToOpen",
    required={"collection": NAME, "version": NAME, "alias": NAME},
    optional={"title": text(200), "reason": CARD, "reviewers": many(NAME, 20)},
)
REVIEWERS = Body("PromotionReviewers", required={"reviewers": many(NAME, 20)})
CANDIDATE = Body("PromotionCandidate", required={"version": NAME})
NEW_REVIEW = Body(
    "PromotionReviewToGive",
    required={"verdict": one_of(*PromotionReview.Verdict.values)},
    optional={"body": CARD, "seen": text(64)},
)
NEW_COMMENT = Body(
    "PromotionCommentToMake",
    required={"body": CARD},
    optional={"on": one_of(*PromotionComment.On.values), "anchor": text(1024)},
)
SETTLED = Body("PromotionCommentChanges", required={"settled": FLAG})
WHY = Body("PromotionWhy", optional={"reason": CARD}, empty_ok=True)
SEEN = Body("PromotionSeen", optional={"seen": text(64)}, empty_ok=True)


def line(row: Promotion, base_url: str) -> dict[str, Any]:
    """Represent a promotion in a list."""
    return {
        "organization": row.project.entity.name,
        "registry": registries.title(row.project),
        "number": row.number,
        "collection": row.collection.name,
        "alias": row.alias,
        "candidate": f"v{row.candidate_number}",
        "base": None if row.base_number is None else f"v{row.base_number}",
        "title": row.title,
        "state": row.state,
        "author": row.author.username if row.author else None,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "closed_at": moment(row.closed_at) if row.closed_at else None,
        "closed_by": row.closed_by.username if row.closed_by else None,
        "url": base_url + row.get_absolute_url(),
    }


def promotion(row: Promotion, judged: Judgement, base_url: str) -> dict[str, Any]:
    """Represent a promotion with all that decides over it, as things stand now."""
    return line(row, base_url) | {
        "state": judged.state,
        "reason": row.reason,
        "closing": row.closing,
        "round": row.round,
        "rollback_of": row.rollback_of.number if row.rollback_of else None,
        "reviewers": sorted(row.reviewers.values_list("user__username", flat=True)),
        "holder": judged.held or None,
        "approvals": judged.approvers(),
        "missing": [] if row.is_closed else judged.missing(),
        "needs": [
            {"kind": need.kind, "sentence": need.sentence, "met": need.is_met} for need in judged.needs
        ],
        "checks": [
            {
                "name": each.name,
                "state": each.state,
                "required": each.required,
                "finding": each.finding,
                "link": each.link,
            }
            for each in judged.checks
        ],
        "reviews": [review(each) for each in row.reviews.select_related("user")],
        "seen": judged.seen,
    }


def review(row: PromotionReview) -> dict[str, Any]:
    """Represent a review."""
    return {
        "username": row.user.username,
        "verdict": row.verdict,
        "body": row.body,
        "round": row.round,
        "created_at": moment(row.created_at),
    }


def comment(row: PromotionComment) -> dict[str, Any]:
    """Represent a comment."""
    return {
        "id": row.pk,
        "username": row.user.username,
        "body": row.body,
        "on": row.on,
        "anchor": row.anchor,
        "created_at": moment(row.created_at),
        "settled_at": moment(row.settled_at) if row.settled_at else None,
        "settled_by": row.settled_by.username if row.settled_by else None,
    }


def rule(row: ProtectedAlias) -> dict[str, Any]:
    """Represent the rule of a protected alias."""
    return {
        "pattern": row.pattern,
        **protection_rules.as_value(row),
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }

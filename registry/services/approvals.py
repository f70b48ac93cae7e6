"""Whose approvals count: of whom the rule of an alias asks them, and of what they were."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from registry.actor import Actor
from registry.models import (
    Project,
    Promotion,
    PromotionReview,
    ProtectedAlias,
    RegistryMember,
    Role,
    TeamMember,
    User,
)
from registry.policy import Act, can, holds
from registry.services import protection

Verdict = PromotionReview.Verdict


def rule_for(promotion: Promotion) -> ProtectedAlias:
    """Return the rule of a promotion's alias; where nothing protects it, one approval of somebody else."""
    found = protection.rule_of(promotion.project, promotion.alias)
    return found or ProtectedAlias(project=promotion.project, pattern=promotion.alias)


def is_approver(rule: ProtectedAlias, user: User, project: Project) -> bool:
    """Say whether the rule takes this person's approvals, as things stand now."""
    if not can(Actor(user=user, door=""), Act.DISCUSS, project):
        return False
    if rule.approver_role and holds(user, Role(rule.approver_role), project):
        return True
    team = rule.approver_team_id
    if team is not None and TeamMember.objects.filter(team=team, user=user).exists():
        return True
    return rule.pk is not None and rule.approvers.filter(pk=user.pk).exists()


def why_not(rule: ProtectedAlias, promotion: Promotion, user: User) -> str | None:
    """Say why a person's approval would not count; None when it does."""
    if promotion.author_id == user.pk and not rule.author_may_approve:
        return (
            f"You asked for this promotion yourself, and the rule of {rule.pattern} takes nobody's own approval. "
            f"Ask somebody else for it, or withdraw the promotion."
        )
    if is_approver(rule, user, promotion.project):
        return None
    return f"The rule of {rule.pattern} takes approvals from {whom(rule)}, and you are none of them. Comment instead."


def whom(rule: ProtectedAlias) -> str:
    """Say in words from whom a rule takes approvals."""
    named = {"viewer": "everybody in the registry", "member": "its members and admins", "admin": "its admins"}
    found = [named[rule.approver_role]] if rule.approver_role else []
    if rule.approver_team is not None:
        found.append(f"the team {rule.approver_team}")
    if rule.pk is not None:
        found += sorted(user.username for user in rule.approvers.all())
    if len(found) < 2:
        return found[0] if found else "nobody"
    return f"{', '.join(found[:-1])} or {found[-1]}"


def evidence_of(promotion: Promotion, results: Iterable[tuple[str, str]]) -> str:
    """Return a digest of what an approval is of: the candidate's card and metadata, and the results of its checks."""
    version = promotion.version
    told: list[Any] = [promotion.round, sorted(results)]
    if version is not None:
        told += [version.pk, version.description, version.metadata]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(slots=True)
class Counted:
    """What the reviews of a round come to: the last of each person, and why an approval doesn't count."""

    approvals: list[PromotionReview] = field(default_factory=list)
    asks: list[PromotionReview] = field(default_factory=list)
    lost: list[tuple[PromotionReview, str]] = field(default_factory=list)


def count(promotion: Promotion, rule: ProtectedAlias, evidence: str | None = None) -> Counted:
    """Count the reviews of the present round; without `evidence` none has fallen by it.

    Rights are looked at now, and not when the review was given: who left the team no longer counts.
    """
    rows = promotion.reviews.filter(round=promotion.round).select_related("user__entity").order_by("pk")
    found = Counted()
    for review in {row.user_id: row for row in rows}.values():
        lost = _lost(review, rule, promotion, evidence)
        if lost:
            found.lost.append((review, lost))
        elif review.verdict == Verdict.APPROVE:
            found.approvals.append(review)
        elif review.verdict == Verdict.CHANGES:
            found.asks.append(review)
    return found


def _lost(
    review: PromotionReview, rule: ProtectedAlias, promotion: Promotion, evidence: str | None
) -> str | None:
    if why_not(rule, promotion, review.user) is not None:
        return "no longer among those whose approval counts"
    fell = evidence is not None and rule.approvals_fall and review.evidence != evidence
    if fell and review.verdict == Verdict.APPROVE:
        return "given before the card, the metadata or a check changed"
    return None


def state_of(rule: ProtectedAlias, counted: Counted) -> str:
    """Return the state that the reviews of a promotion in review give it."""
    if counted.asks:
        return Promotion.State.CHANGES_REQUESTED
    if len(counted.approvals) >= rule.approvals:
        return Promotion.State.APPROVED
    return Promotion.State.OPEN


_MOST_KNOWN = 100


def known(project: Project, rules: Iterable[ProtectedAlias]) -> list[str]:
    """Return names of people whose approval may count, as many as make a list to choose from."""
    given = RegistryMember.objects.filter(project=project).exclude(role="restricted_viewer")
    teams = {*given.exclude(team=None).values_list("team", flat=True)}
    teams |= {rule.approver_team_id for rule in rules if rule.approver_team_id}
    named = Q(pk__in=given.exclude(user=None).values("user")) | Q(team_memberships__team__in=teams)
    found = User.objects.filter(named, is_active=True).order_by("username").distinct()
    return list(found.values_list("username", flat=True)[:_MOST_KNOWN])

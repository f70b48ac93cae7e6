"""What a promotion may ask for: of which version, for which alias, in which words, of whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Max
from strongroom.core.names import check_alias, check_description, is_storable

from registry.actor import Actor
from registry.errors import Conflict, InvalidInput
from registry.models import Membership, Project, Promotion, PromotionReviewer, User
from registry.policy import Act, can
from registry.services import aliases, approvals

LONGEST_TITLE, MOST_REVIEWERS = 200, 20


def may_be_asked(actor: Actor, membership: Membership) -> bool:
    """Say whether one may ask for a promotion of this version: in a registry, with the role for it."""
    home = membership.collection.project
    in_registry = home.kind == Project.Kind.REGISTRY and membership.is_link
    return in_registry and can(actor, Act.PROPOSE, home)


def check_place(membership: Membership, alias: str) -> str:
    if membership.collection.project.kind != Project.Kind.REGISTRY or not membership.is_link:
        raise InvalidInput(
            f"{membership.name} is not in a registry. Link it into one first; promotions are of linked versions.",
            field="version",
        )
    name = check_alias(alias.strip() if isinstance(alias, str) else alias)
    if name == aliases.LATEST:
        raise InvalidInput(
            "latest moves by itself with each new version. Choose another alias.", field="alias"
        )
    return name


def check_title(title: Any) -> str:
    text = title.strip() if isinstance(title, str) else title
    if not isinstance(text, str) or len(text) > LONGEST_TITLE or not is_storable(text) or "\n" in text:
        raise InvalidInput(f"A title is one line of up to {LONGEST_TITLE} characters.", field="title")
    return text


def check_reason(reason: Any) -> str:
    try:
        return check_description(reason)
    except InvalidInput as error:
        raise InvalidInput(str(error).replace("description", "reason"), field="reason") from None


def base_of(membership: Membership, alias: str) -> Membership | None:
    """Return who holds the alias; Conflict when that is the version itself."""
    held = aliases.holders(membership.collection, [alias]).get(alias)
    if held is not None and held.membership_id == membership.pk:
        raise Conflict(
            f"{membership.name} holds {alias} already: there is nothing to promote.", field="alias"
        )
    return held.membership if held else None


def refuse_twice(membership: Membership, alias: str, but: int | None = None) -> None:
    rows = Promotion.objects.filter(candidate=membership, alias=alias).exclude(state__in=Promotion.CLOSED)
    if (other := rows.exclude(pk=but or 0).first()) is not None:
        raise Conflict(
            f"Promotion {other.number} asks for the same: that {membership.name} take {alias}. Go on with that one.",
            field="alias",
            promotion=other.number,
        )


def next_number(project: Project) -> int:
    """Return the next number of a registry, whose row is locked for it: models of one registry don't race."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    last = Promotion.objects.filter(project=project).aggregate(last=Max("number"))["last"]
    return int(last or 0) + 1


def reviewers_named(promotion: Promotion, names: Iterable[str]) -> list[User]:
    """Find those who are to be asked: people whose approval counts."""
    wanted = list(dict.fromkeys(name.strip().casefold() for name in names if name.strip()))
    if len(wanted) > MOST_REVIEWERS:
        raise InvalidInput(f"At most {MOST_REVIEWERS} people are asked for a review.", field="reviewers")
    rule = approvals.rule_for(promotion)
    rows = User.objects.filter(entity__folded__in=wanted, is_active=True).select_related("entity")
    found = {user.entity.folded: user for user in rows}
    for name in wanted:
        user = found.get(name)
        # The same sentence for who isn't there: names of people are not for everybody to try.
        if user is None or not approvals.is_approver(rule, user, promotion.project):
            raise InvalidInput(
                f"{name} can't be asked: the rule of {rule.pattern} takes approvals from {approvals.whom(rule)}.",
                field="reviewers",
            )
        if promotion.author_id == user.pk and not rule.author_may_approve:
            raise InvalidInput(
                f"{name} asked for this promotion, and nobody's own approval counts here. Ask somebody else.",
                field="reviewers",
            )
    return [found[name] for name in wanted]


def ask_these(actor: Actor, promotion: Promotion, people: list[User]) -> list[User]:
    """Ask just these; return those who weren't before."""
    held = set(promotion.reviewers.values_list("user_id", flat=True))
    promotion.reviewers.exclude(user__in=people).delete()
    fresh = [user for user in people if user.pk not in held]
    PromotionReviewer.objects.bulk_create(
        PromotionReviewer(promotion=promotion, user=user, asked_by=actor.user) for user in fresh
    )
    return fresh

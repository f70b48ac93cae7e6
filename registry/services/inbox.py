"""The inbox: what people are told of promotions, in the transaction of the act that it tells of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from registry.actor import Actor
from registry.errors import InvalidQuery, NotAuthenticated
from registry.models import (
    InboxNotice,
    Project,
    Promotion,
    PromotionComment,
    PromotionReview,
    PromotionReviewer,
    User,
)
from registry.models.prepared import Prepared
from registry.services import mail
from registry.services._common import now

Kind = InboxNotice.Kind
ASKED, REVIEWED, COMMENTED, CLOSED = Kind.ASKED, Kind.REVIEWED, Kind.COMMENTED, Kind.CLOSED
# A name after an @ that no letter or digit stands before: an address of mail mentions nobody.
_MENTION = re.compile(r"(?<![\w@.+-])@([A-Za-z0-9][A-Za-z0-9_.-]*)")
# What stands in code is no mention: neither between back-ticks nor in a block of them.
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_MOST_MENTIONS = 20


def tell(
    promotion: Promotion, kind: str, people: Iterable[User], comment: PromotionComment | None = None
) -> None:
    """Put something about a promotion into people's inboxes; call it inside the transaction of the act.

    Who a comment mentions is told of that, too, as far as they may see the promotion. What is told again (a review
    asked for in a new round) is unread again.
    """
    wanted = {user.pk: kind for user in people}
    if comment is not None:
        wanted |= {user.pk: Kind.MENTIONED for user in mentioned(promotion, comment)}
        wanted.pop(comment.user_id, None)
    if not wanted:
        return
    told = InboxNotice.objects.filter(user__in=wanted, promotion=promotion, comment=comment)
    (told if comment is not None else told.filter(kind=kind)).delete()
    at = now()
    # Where there is no mail nothing waits for it: who sets it up later gets no letters about the past.
    told_at = None if mail.is_set_up() else at
    InboxNotice.objects.bulk_create(
        InboxNotice(user_id=pk, promotion=promotion, kind=each, comment=comment, at=at, told_at=told_at)
        for pk, each in wanted.items()
    )


def mentioned(promotion: Promotion, comment: PromotionComment) -> list[User]:
    """Return the people that a comment names as @name and who may see the promotion."""
    names = dict.fromkeys(
        found.rstrip(".-_").casefold() for found in _MENTION.findall(_CODE.sub("", comment.body))
    )
    if not names:
        return []
    rows = User.objects.filter(entity__folded__in=list(names)[:_MOST_MENTIONS], is_active=True).order_by("pk")
    return [
        user for user in rows if Project.objects.visible_to(user).filter(pk=promotion.project_id).exists()
    ]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many promotions wait for a person's review, and how many notices were not seen."""

    waiting: int
    unread: int


def counts(user: User) -> Counts:
    """Count what waits for a person; one query, which begins at what they were asked for and told."""
    if not user.is_active:
        return Counts(0, 0)
    return Counts(*(_OF_ADMIN if user.is_admin else _OF_PERSON).all(user.pk)[0])


def _counted(person: int, seen: QuerySet[Project]) -> QuerySet[User, tuple[int, int]]:
    given = PromotionReview.objects.filter(
        promotion=OuterRef("promotion"), user=person, round=OuterRef("promotion__round")
    )
    asked = PromotionReviewer.objects.filter(
        user=person, promotion__state__in=Promotion.GOING, promotion__project__in=seen.values("pk")
    ).exclude(Exists(given))
    unread = InboxNotice.objects.filter(user=person, seen_at=None, promotion__project__in=seen.values("pk"))
    return User.objects.filter(pk=person).values_list(_count(asked), _count(unread))


# Every page shows both.
_OF_PERSON = Prepared[list[int]](lambda person: _counted(person, Project.objects.live().given_to(person)))
_OF_ADMIN = Prepared[list[int]](lambda person: _counted(person, Project.objects.live()))


def _count(rows: QuerySet[PromotionReviewer] | QuerySet[InboxNotice]) -> Coalesce:
    number = rows.order_by().annotate(all=Value(1)).values("all").annotate(rows=Count("pk")).values("rows")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


def listing(actor: Actor, *, kind: str | None = None, unread: bool = False) -> QuerySet[InboxNotice]:
    """List what a person was told of, as far as they may see it still: of a kind, or only what is unread."""
    user = _person(actor)
    seen = Project.objects.visible_to(user).values("pk")
    rows = InboxNotice.objects.filter(user=user, promotion__project__in=seen)
    if kind:
        if kind not in Kind.values:
            raise InvalidQuery(f"kind must be one of {', '.join(Kind.values)}.", field="kind")
        rows = rows.filter(kind=kind)
    rows = rows.filter(seen_at=None) if unread else rows
    return rows.select_related(
        "promotion__project__entity", "promotion__collection", "promotion__author", "comment__user"
    )


def mark(actor: Actor, *, ids: Iterable[int] | None = None, seen: bool = True) -> int:
    """Call notices read, or unread again: some by their ids, or all; return how many changed."""
    rows = InboxNotice.objects.filter(user=_person(actor), seen_at__isnull=seen)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return rows.update(seen_at=now() if seen else None)


def look(actor: Actor, promotion: Promotion) -> None:
    """Call read what tells of a promotion, for who has its page open."""
    if actor.user is not None:
        unread = InboxNotice.objects.filter(user=actor.user, promotion=promotion, seen_at=None)
        if unread.exists():
            unread.update(seen_at=now())


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise NotAuthenticated("Sign in to see what you were told.")
    return actor.user

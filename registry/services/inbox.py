"""The inbox: what people are told of promotions, in the transaction of the act that it tells of."""

from __future__ import annotations

import re
from collections.abc import Iterable

from registry.models import InboxNotice, Project, Promotion, PromotionComment, User
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
    InboxNotice.objects.bulk_create(
        InboxNotice(user_id=pk, promotion=promotion, kind=each, comment=comment, at=now())
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

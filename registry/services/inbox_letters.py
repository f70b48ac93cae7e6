"""What the inbox tells, by mail: soon, once, to those who want it and have not seen it yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from registry.models import InboxNotice, Project, User
from registry.services import mail
from registry.services._common import now

Kind = InboxNotice.Kind
_IN_LETTER = 50
_WORDS = {
    Kind.ASKED: "Your review is asked for",
    Kind.REVIEWED: "It was reviewed",
    Kind.COMMENTED: "It was commented on",
    Kind.MENTIONED: "You were mentioned",
    Kind.CLOSED: "It is closed",
}


def send(at: datetime | None = None) -> int:
    """Write to everybody who was told something since; return how many letters went out.

    What is told is noted before the letter goes: of two workers beside each other one writes. A worker that is killed
    between the two sends none; a mail server that refuses one is tried again with the next run.
    """
    at = at or now()
    waiting = InboxNotice.objects.filter(told_at=None, at__lte=at)
    if not mail.is_set_up():
        return 0
    people = User.objects.filter(pk__in=waiting.values("user"))
    return sum(_write(user, waiting.filter(user=user), at) for user in people.order_by("pk"))


def _write(user: User, waiting: QuerySet[InboxNotice], at: datetime) -> bool:
    ids = list(waiting.order_by("at", "pk").values_list("pk", flat=True))
    mine = InboxNotice.objects.filter(pk__in=ids, told_at=None)
    if not ids or mine.update(told_at=at) != len(ids):
        return False
    if not (user.is_active and user.email and user.mails_inbox):
        return False
    seen = Project.objects.visible_to(user).values("pk")
    rows = InboxNotice.objects.filter(pk__in=ids, seen_at=None, promotion__project__in=seen)
    found = list(
        rows.select_related("promotion__project__entity", "comment__user").order_by("at", "pk")[:_IN_LETTER]
    )
    if not found:
        return False
    if mail.send(user.email, *_letter(found)):
        return True
    InboxNotice.objects.filter(pk__in=ids, told_at=at).update(told_at=None)
    return False


def _letter(found: Sequence[InboxNotice]) -> tuple[str, str]:
    first = found[0]
    subject = f"{_WORDS[Kind(first.kind)]}: {first.promotion.title}"
    if len(found) > 1:
        subject = f"{len(found)} things about promotions"
    listed = "\n\n".join(_told(each) for each in found)
    return (
        subject,
        f"{listed}\n\nAll of it is in your inbox: {settings.PUBLIC_URL}/inbox\n"
        f"To get no such letters, change your settings: {settings.PUBLIC_URL}/settings\n",
    )


def _told(notice: InboxNotice) -> str:
    promotion, comment = notice.promotion, notice.comment
    by = f", by {comment.user.display_name}" if comment is not None else ""
    return (
        f"{_WORDS[Kind(notice.kind)]}{by}.\n"
        f"  Promotion {promotion.number} in {promotion.project}: {promotion.title}\n"
        f"  {settings.PUBLIC_URL}{promotion.get_absolute_url()}"
    )

"""What people were told of promotions."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import (
    COUNT,
    MAYBE_TEXT,
    MAYBE_TIME,
    TEXT,
    TIME,
    maybe_moment,
    moment,
    record,
    words,
)
from registry.api.shapes import FLAG, Body, component, integer, many
from registry.models import InboxNotice, Promotion
from registry.services.inbox import Counts

NOTICE = component(
    "InboxNotice",
    record(
        {
            "id": COUNT,
            "kind": words(*InboxNotice.Kind.values),
            "at": TIME,
            "seen_at": MAYBE_TIME,
            "promotion": record(
                {
                    "entity": TEXT,
                    "registry": TEXT,
                    "number": COUNT,
                    "title": TEXT,
                    "state": words(*Promotion.State.values),
                    "url": TEXT,
                }
            ),
            "comment": MAYBE_TEXT,
            "by": {**MAYBE_TEXT, "description": "Who wrote the comment"},
        }
    ),
)
NOTICE_PAGE = page_of(NOTICE, "InboxPage")
COUNTS = component(
    "InboxCounts",
    record(
        {
            "unread": {**COUNT, "description": "Notices that were not seen"},
            "waiting": {**COUNT, "description": "Promotions that wait for your review"},
        }
    ),
)
MARKS = Body("InboxMarks", required={"seen": FLAG}, optional={"ids": many(integer(), 1000)})


def notice(row: InboxNotice, base_url: str) -> dict[str, Any]:
    """Represent a notice with its promotion."""
    promotion, comment = row.promotion, row.comment
    return {
        "id": row.pk,
        "kind": row.kind,
        "at": moment(row.at),
        "seen_at": maybe_moment(row.seen_at),
        "promotion": {
            "entity": promotion.project.entity.name,
            "registry": promotion.project.name,
            "number": promotion.number,
            "title": promotion.title,
            "state": promotion.state,
            "url": base_url + promotion.get_absolute_url(),
        },
        "comment": None if comment is None else comment.body,
        "by": None if comment is None else comment.user.username,
    }


def counts(found: Counts) -> dict[str, int]:
    """Represent how much is new."""
    return {"unread": found.unread, "waiting": found.waiting}

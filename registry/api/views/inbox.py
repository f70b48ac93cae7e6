"""One's inbox: what one was told of promotions."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import NOTICES
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import inbox as shape
from registry.api.shapes import Param, choice, choice_of, flag_of
from registry.models import InboxNotice
from registry.services import inbox


class Inbox(Endpoint):
    """What one was told."""

    @operation(
        "List what one was told of promotions, newest first",
        {200: shape.NOTICE_PAGE},
        query=(
            choice("kind", "notices of this kind", *InboxNotice.Kind.values),
            Param("unread", {"type": "boolean"}, "Only what was not seen"),
            *LISTING,
            ordering(NOTICES),
        ),
        conditional=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer a page of notices."""
        kind = choice_of(self.http.GET, "kind", *InboxNotice.Kind.values).get("kind")
        rows = inbox.listing(self.actor, kind=kind, unread=flag_of(self.http.GET, "unread"))
        return self.page(rows, NOTICES, lambda found: [shape.notice(row, self.base_url) for row in found])

    @operation(
        "Call notices seen, or unseen again: some by their ids, or all", {200: shape.COUNTS}, body=shape.MARKS
    )
    def post(self, request: Request) -> HttpResponse:
        """Mark notices, and answer what is left."""
        asked = shape.MARKS.read(self.http)
        inbox.mark(self.actor, ids=asked.get("ids"), seen=asked["seen"])
        return self.answer(shape.counts(inbox.counts(self.user)))


class InboxCounts(Endpoint):
    """How much of it is new."""

    @operation("Count what is unread, and what waits for one's review", {200: shape.COUNTS})
    def get(self, request: Request) -> HttpResponse:
        """Answer both numbers."""
        return self.answer(shape.counts(inbox.counts(self.user)))

"""Cheap `304 Not Modified` for lists: a tag made of the last events, before any row of the list is read."""

from __future__ import annotations

import hashlib
import re

from django.http import HttpRequest, HttpResponse

from registry.models import Event

# Not only the last id: on PostgreSQL transactions may commit out of number order, and a late one
# must change the tag too.
_WINDOW = 32
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def list_tag(request: HttpRequest, user_id: int | None) -> str:
    """A weak ETag for (who asks, query, last change): every change of what lists show is an event."""
    recent = Event.objects.order_by("-id").values_list("id", flat=True)[:_WINDOW]
    seed = f"{user_id}\n{request.get_full_path()}\n{','.join(map(str, recent))}"
    return f'W/"{hashlib.blake2b(seed.encode(), digest_size=16).hexdigest()}"'


def matches(header: str, tag: str) -> bool:
    """Compare `If-None-Match` with a tag, weakly as RFC 9110 has it."""
    if header.strip() == "*":
        return True
    bare = tag.removeprefix("W/").strip('"')
    return bare in _TAG.findall(header)


def not_modified(tag: str) -> HttpResponse:
    """Answer 304 with what caches need."""
    response = HttpResponse(status=304)
    del response["Content-Type"]
    return with_tag(response, tag)


def with_tag(response: HttpResponse, tag: str) -> HttpResponse:
    """Mark an answer as the asker's own, to be revalidated each time."""
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Authorization, Cookie"
    return response

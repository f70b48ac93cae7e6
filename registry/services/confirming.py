"""A preview that somebody saw, and what must still be so when they confirm it.

The token is signed and holds the figures that were shown, so that the event tells what was confirmed; nothing is kept
for those who only look. A preview counts for the versions that there were: what is logged afterwards changes nothing.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.core.cache import cache
from django.db.models import Max
from redis.exceptions import RedisError

from registry.errors import Damaged, PreviewChanged
from registry.models import Entity, Event
from registry.services import expected, freed, previews
from registry.services._common import now
from registry.services.freed import Freed
from registry.services.previews import Plan, Preview

_SALT = "retention-preview"
_LASTS = 24 * 3600
_REMEMBERED = 120


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview as it is shown; `freed` is None where it was not asked for, or damage keeps it from being told."""

    preview: Preview
    freed: Freed | None
    token: str


def show(wanted: Plan, *, with_bytes: bool = True, at: datetime | None = None) -> Shown:
    """Say what a plan does, with the token by which it can be confirmed."""
    stock = expected.stock(wanted.entity, wanted.below)
    found = previews.told(wanted, stock, at or now())
    back = _freed(wanted, found, None if wanted.below else stock) if with_bytes else None
    said = found.figures() | {"freed": back.size if back else None}
    held = {"what": _what(wanted), "digest": found.digest, "newest": found.newest, "said": said}
    return Shown(found, back, signing.dumps(held, salt=_SALT, compress=True))


def confirm(wanted: Plan, token: str) -> dict[str, Any]:
    """Return the figures that were shown; raise PreviewChanged when something else would expire by now."""
    try:
        held = signing.loads(token, salt=_SALT, max_age=_LASTS)
    except signing.BadSignature:
        raise PreviewChanged(
            "The preview is too old, or none of this installation. Nothing was saved. Look at it again."
        ) from None
    if held["what"] != _what(wanted):
        raise PreviewChanged(
            "The preview that was confirmed is of other settings. Nothing was saved. Look at it again."
        )
    stock = expected.stock(wanted.entity, wanted.below)
    if previews.told(wanted, stock, now(), until=held["newest"]).digest != held["digest"]:
        raise PreviewChanged(
            "What expires changed since you looked: a version was logged, linked, restored or deleted, an alias moved,"
            " or a setting changed. Nothing was saved. Look at the new preview, and confirm that."
        )
    said: dict[str, Any] = held["said"]
    return said


def _freed(wanted: Plan, found: Preview, stock: expected.Stock | None) -> Freed | None:
    """Count the bytes, or remember what was counted a moment ago of just this: a review follows on its preview."""
    place = f"{type(wanted.place).__name__}:{wanted.place.pk}"
    key = f"freed:{found.digest}:{place}:{_newest_event(wanted.entity)}"
    with suppress(RedisError):
        if (kept := cache.get(key)) is not None:
            return Freed(kept["size"], Counter(kept["collections"]))
    try:
        back = freed.of(wanted, stock)
    except Damaged:
        # The page of damages tells; what expires can be said all the same.
        return None
    with suppress(RedisError):
        cache.set(key, {"size": back.size, "collections": dict(back.collections)}, timeout=_REMEMBERED)
    return back


def _newest_event(entity: Entity) -> int:
    """Whatever makes other versions need bytes is an event; but drafts are none, so that it is kept for moments."""
    return Event.objects.filter(entity_id=entity.pk).aggregate(newest=Max("pk"))["newest"] or 0


def _what(wanted: Plan) -> str:
    return f"{type(wanted.place).__name__} {wanted.place.pk} {wanted.ttl} {wanted.rules}"

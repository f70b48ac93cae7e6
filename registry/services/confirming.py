"""A preview that somebody saw, and what must still be so when they confirm it.

The token is signed and holds the figures that were shown, so that the event tells what was confirmed; nothing is kept
for those who only look. A preview counts for the versions that there were: what is logged afterwards changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing

from registry.errors import Damaged, PreviewChanged
from registry.services import expected, freed, previews
from registry.services._common import now
from registry.services.freed import Freed
from registry.services.previews import Plan, Preview

_SALT = "retention-preview"
_LASTS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview as it is shown; `freed` is None where it was not asked for, or damage keeps it from being told."""

    preview: Preview
    freed: Freed | None
    token: str


def show(wanted: Plan, *, with_bytes: bool = True, at: datetime | None = None) -> Shown:
    """Say what a plan does, with the token by which it can be confirmed."""
    found = previews.of(wanted, at)
    back = _freed(wanted) if with_bytes else None
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


def _freed(wanted: Plan) -> Freed | None:
    try:
        return freed.of(wanted)
    except Damaged:
        # The page of damages tells; what expires can be said all the same.
        return None


def _what(wanted: Plan) -> str:
    return f"{type(wanted.place).__name__} {wanted.place.pk} {wanted.ttl} {wanted.rules}"

"""Signed links: one person, one method, one object, one purpose; downloads for fifteen minutes, uploads for a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.utils import timezone
from strongroom.core.errors import NotFound

LONGEST = timedelta(minutes=15)
DOWNLOAD = "download"
# Of the `wandb` client. It asks for thousands of places to send to at once, and comes to the last of them much later;
# such a link ends with its draft and with the key that it was made by.
WANDB_FILE, WANDB_MANIFEST, WANDB_RUN_FILE, WANDB_READ = (
    "wandb-file",
    "wandb-manifest",
    "wandb-run-file",
    "wandb-read",
)
_LONGEST_OF = dict.fromkeys((WANDB_FILE, WANDB_MANIFEST, WANDB_RUN_FILE), timedelta(hours=24))
_SALT = "strongroom.link."


@dataclass(frozen=True, slots=True)
class Link:
    """What a signed link allows, to be judged again by the policy when it is used."""

    user_id: int
    method: str
    object: list[Any]
    expires_at: datetime
    # The API key it was made with, if one: the link ends with it.
    key_id: int | None = None


def sign(
    *,
    purpose: str,
    user_id: int,
    method: str,
    object: list[Any],
    key_id: int | None = None,
    lasting: timedelta | None = None,
) -> str:
    """Return a token; the purpose is part of the salt, so one kind of link is never taken for another."""
    longest = _LONGEST_OF.get(purpose, LONGEST)
    lasting = longest if lasting is None else lasting
    if not timedelta(0) < lasting <= longest:
        raise ValueError(f"A signed link of this kind lasts up to {longest}.")
    expires = int((timezone.now() + lasting).timestamp())
    return signing.dumps([user_id, key_id, method, object, expires], salt=_SALT + purpose, compress=True)


def verify(token: str, *, purpose: str, method: str, at: datetime | None = None) -> Link:
    """Read a token back; forged, expired, for another purpose or method: all are one `not_found`."""
    try:
        user_id, key_id, allowed, target, expires = signing.loads(
            token, salt=_SALT + purpose, max_age=_LONGEST_OF.get(purpose, LONGEST)
        )
    except (signing.BadSignature, ValueError, TypeError):
        raise _refused() from None
    expires_at = datetime.fromtimestamp(expires, tz=timezone.get_current_timezone())
    # HEAD tells nothing that GET would not.
    if (at or timezone.now()) >= expires_at or ("GET" if method == "HEAD" else method) != allowed:
        raise _refused()
    return Link(user_id=user_id, method=allowed, object=target, expires_at=expires_at, key_id=key_id)


def _refused() -> NotFound:
    return NotFound("This link is not valid, or no longer. Ask for a new one.")

"""API keys: shown once, kept as SHA-256, revocable, expiring when asked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from strongroom.core.names import check_label

from registry.actor import Actor
from registry.errors import InvalidInput, KeyExpired, NameTaken, NotAuthenticated, NotFound
from registry.models import ApiKey, User
from registry.models.prepared import Prepared
from registry.policy import Act, check
from registry.services import events
from registry.services._common import now

# The `wandb` client wants 40 or more word characters behind the first dash.
_FORM = "sr-"
PREFIX = 11
_SHORTEST = 40
_STAMP_EVERY = timedelta(minutes=1)
_BY_PREFIX = Prepared[ApiKey](
    lambda prefix: ApiKey.objects.filter(prefix=prefix).select_related("user__entity")
)


def create(
    actor: Actor, *, user: User, name: str, secret: str | None = None, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key for oneself (or, as admin, for another) and return it with its secret."""
    if actor.user != user or actor.is_system:
        check(actor, Act.ADMINISTER, None)
    name = check_label(name)
    if expires_at is not None and expires_at <= now():
        raise InvalidInput("A key can't expire in the past. Choose a later date.", field="expires_at")
    _check_outlived(actor.key, expires_at)
    secret = _FORM + secrets.token_urlsafe(32) if secret is None else _check_secret(secret)
    key = ApiKey(user=user, name=name, prefix=secret[:PREFIX], sha256=_sha256(secret), expires_at=expires_at)
    try:
        with transaction.atomic():
            key.save()
            events.record(actor, "key.create", entity=user.entity, subject=f"{key.prefix}… {name}")
    except IntegrityError:
        raise NameTaken("This key is in use already. Choose another, or let Strongroom make one.") from None
    return key, secret


def _check_outlived(maker: ApiKey | None, expires_at: datetime | None) -> None:
    """Refuse a key that would live longer than the key it is made with: an end must be an end."""
    if maker is None or maker.expires_at is None:
        return
    if expires_at is None or expires_at > maker.expires_at:
        raise InvalidInput(
            f"The key you use expires on {maker.expires_at:%Y-%m-%d %H:%M} UTC; a key made with it must expire "
            f"by then, too. Give such a date, or make the key on your API keys page.",
            field="expires_at",
        )


def ensure(actor: Actor, *, user: User, name: str, secret: str) -> ApiKey:
    """Give a user a known key, once however often it is called: for scripts that provision."""
    present = ApiKey.objects.filter(sha256=_sha256(secret), user=user).first()
    if present is None:
        return create(actor, user=user, name=name, secret=secret)[0]
    if not is_live(present.pk, user.pk):
        ended = "was revoked" if present.revoked_at else "has expired"
        raise NameTaken(f"This key {ended}, and an ended key never works again. Choose another.")
    return present


def revoke(actor: Actor, *, key: ApiKey) -> None:
    """End a key: it is refused from the next request on."""
    if actor.user != key.user:
        check(actor, Act.ADMINISTER, None)
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now()):
            events.record(actor, "key.revoke", entity=key.user.entity, subject=f"{key.prefix}… {key.name}")


def of(actor: Actor, *, q: str | None = None) -> QuerySet[ApiKey]:
    """List one's own keys that still work or have merely expired; `q` is looked for in their names."""
    rows = ApiKey.objects.filter(user=actor.user, revoked_at=None).order_by("-created_at", "-pk")
    return rows.filter(name__icontains=q) if q else rows


def find(actor: Actor, key_id: int) -> ApiKey:
    """Find one of one's own keys."""
    key = of(actor).filter(pk=key_id).select_related("user__entity").first()
    if key is None:
        raise NotFound("You have no such key.")
    return key


def is_live(key_id: int, user_id: int) -> bool:
    """Say whether a person's key is neither revoked nor expired: what was made with it ends with it."""
    return ApiKey.objects.live(now()).filter(pk=key_id, user=user_id).exists()


def authenticate(secret: str, *, at: datetime | None = None) -> ApiKey:
    """Return the live key with this secret; one indexed read."""
    at = at or now()
    digest = _sha256(secret)
    # Databases refuse NUL and lone surrogates in text; no key has them.
    known = secret.isascii() and secret.isprintable()
    for key in _BY_PREFIX.all(secret[:PREFIX]) if known else []:
        if hmac.compare_digest(key.sha256, digest):
            return _use(key, at)
    raise NotAuthenticated("This API key is not known. Make one on your API keys page.")


def _use(key: ApiKey, at: datetime) -> ApiKey:
    if key.revoked_at is not None or not key.user.is_active:
        raise NotAuthenticated("This API key was revoked. Make a new one on your API keys page.")
    if key.expires_at is not None and key.expires_at <= at:
        raise KeyExpired(
            f"This API key expired on {key.expires_at:%Y-%m-%d}. Make a new one on your API keys page."
        )
    if key.last_used_at is None or at - key.last_used_at > _STAMP_EVERY:
        # Once a minute at the most: a write for every request would make each read a write.
        stale = Q(last_used_at=None) | Q(last_used_at__lt=at - _STAMP_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=at)
    return key


def _check_secret(secret: str) -> str:
    if (
        len(secret) < _SHORTEST
        or len(secret) > 256
        or not secret.isascii()
        or not secret.isprintable()
        or " " in secret
    ):
        raise InvalidInput(f"A key takes {_SHORTEST} to 256 printable ASCII characters without spaces.")
    return secret


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()

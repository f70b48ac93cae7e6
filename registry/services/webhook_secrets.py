"""The secrets that webhooks sign with, and the signature: HMAC-SHA256 over the time and the body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from registry.models import Webhook

SALT_BYTES = 32
_PURPOSE = b"strongroom webhook 1\n"


def new_salt() -> bytes:
    """Return what a new secret follows from."""
    return secrets.token_bytes(SALT_BYTES)


def secret_of(salt: bytes) -> str:
    """Return a webhook's secret: nobody has it who has the database alone."""
    derived = hmac.digest(settings.SECRET_KEY.encode(), _PURPOSE + salt, hashlib.sha256)
    return "whsec_" + base64.urlsafe_b64encode(derived).decode().rstrip("=")


def signature(webhook: Webhook, body: bytes, at: datetime) -> str:
    """Return the header: the time in seconds, and a signature for each secret that counts at that time."""
    salts = [bytes(webhook.salt)]
    if webhook.old_salt is not None and webhook.old_until is not None and at < webhook.old_until:
        salts.append(bytes(webhook.old_salt))
    return sign(int(at.timestamp()), body, (secret_of(salt) for salt in salts))


def sign(seconds: int, body: bytes, with_secrets: Iterable[str]) -> str:
    """Sign a body at a time."""
    said = f"{seconds}.".encode() + body
    signed = [hmac.new(secret.encode(), said, hashlib.sha256).hexdigest() for secret in with_secrets]
    return ",".join([f"t={seconds}", *(f"v1={one}" for one in signed)])

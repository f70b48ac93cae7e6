"""Who is asking: the actor of a request, by API key or by session, and from where."""

from __future__ import annotations

import base64
import binascii

from django.conf import settings
from django.http import HttpRequest
from strongroom.core.errors import NotAuthenticated, NotFound

from registry.actor import Actor
from registry.models import User
from registry.services import keys


def actor_of(request: HttpRequest, door: str = "api") -> Actor:
    """Return who asks; a key that is given and wrong is an error, never an anonymous visitor.

    Pages know sessions only: a key in a browser's request would have been put there by somebody else.
    """
    known = getattr(request, "actor", None)
    if known is not None and known.door == door:
        return known
    header = request.headers.get("Authorization", "")
    if header and door != "web":
        key = keys.authenticate(secret_of(header))
        actor = Actor(user=key.user, door=door, address=address_of(request), key=key)
    else:
        user = getattr(request, "user", None)
        signed_in = user is not None and user.is_authenticated
        actor = Actor(user=user if signed_in else None, door=door, address=address_of(request))
    if actor.user is not None:
        actor.user.roles_read, actor.user.registry_roles_read = {}, {}
    request.actor = actor  # type: ignore[attr-defined]
    return actor


def secret_of(header: str) -> str:
    """Read the key from `Bearer KEY`, or from Basic with any user name and the key as password."""
    scheme, _, value = header.partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer" and value:
        return value
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        if password:
            return password
    raise NotAuthenticated(
        "Send the API key as `Authorization: Bearer KEY`, or as the password of HTTP Basic."
    )


def acting_for(user_id: int, key_id: int | None, request: HttpRequest, door: str = "api") -> Actor:
    """Return the actor of a signed link: who signed it, as they are today, with the key they signed it by."""
    user = User.objects.filter(pk=user_id, is_active=True).select_related("entity").first()
    if user is None or (key_id is not None and not keys.is_live(key_id, user_id)):
        raise NotFound("This link is not valid, or no longer. Ask for a new one.")
    user.roles_read, user.registry_roles_read = {}, {}
    return Actor(user=user, door=door, address=address_of(request))


def address_of(request: HttpRequest) -> str:
    """The peer's address; behind a proxy that the operator trusts, the one that it added last."""
    chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    if chain and settings.SECURE_PROXY_SSL_HEADER is not None:
        return chain[-1][:64]
    return request.META.get("REMOTE_ADDR", "")[:64]

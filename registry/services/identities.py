"""Signing in by an OpenID Connect provider: who somebody there is here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from strongroom.core.errors import InvalidName
from strongroom.core.names import check_entity_name

from registry.actor import Actor
from registry.errors import Conflict, Forbidden, InvalidInput, NotAuthenticated, NotFound
from registry.models import Entity, Identity, User
from registry.services import accounts, events
from registry.services._common import now

_ODD = re.compile(r"[^A-Za-z0-9_.-]+")
_MOST = 255


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider says of somebody; `email` only counts where it is verified."""

    issuer: str
    subject: str
    email: str = ""
    is_verified: bool = False
    username: str = ""
    full_name: str = ""

    @property
    def label(self) -> str:
        return (self.email or self.username or self.subject)[:254]


def listing(user: User) -> QuerySet[Identity]:
    """List the identities of a person."""
    return Identity.objects.filter(user=user).order_by("issuer")


def sign_in(actor: Actor, claims: Claims) -> User:
    """Return whom these claims let in: who connected them, or a new person where their mail domain is let in.

    An account is never taken over because its mail address is the same: addresses here are what people typed.
    Who has an account connects it, signed in.
    """
    _check(claims)
    known = (
        Identity.objects.filter(issuer=claims.issuer, subject=claims.subject).select_related("user").first()
    )
    user = known.user if known is not None else _make(actor, claims)
    if not user.is_active:
        raise Forbidden(
            f"The account {user.username} is not let in any more. Ask an admin of this installation."
        )
    Identity.objects.filter(user=user, issuer=claims.issuer).update(used_at=now())
    return user


def _make(actor: Actor, claims: Claims) -> User:
    if not (claims.is_verified and claims.email) or not _is_let_in(claims.email):
        raise Forbidden(
            "Nobody here is connected to this identity. If you have an account, sign in with your password and "
            "connect it in Your settings; else ask an admin of this installation for an account."
        )
    if User.objects.filter(email__iexact=claims.email).exists():
        raise Conflict(
            f"An account with the address {claims.email} is there already. Sign in with its password, then connect "
            "this identity in Your settings."
        )
    with transaction.atomic():
        user = accounts.make_identified(
            actor, username=_free_name(claims), full_name=_plain(claims.full_name), email=claims.email
        )
        _connect(actor, user, claims)
    return user


def _is_let_in(email: str) -> bool:
    domain = email.rpartition("@")[2].casefold()
    let_in = settings.OPENID.domains if settings.OPENID else ()
    return domain in let_in or "*" in let_in


def connect(actor: Actor, claims: Claims) -> Identity:
    """Let a person who is signed in come in by this identity from now on."""
    if actor.user is None:
        raise NotAuthenticated("Sign in first: your session has ended.")
    _check(claims)
    known = Identity.objects.filter(issuer=claims.issuer, subject=claims.subject).first()
    if known is not None and known.user_id == actor.user.pk:
        return known
    if known is not None:
        raise Conflict("Another account is connected to this identity. Disconnect it there first.")
    with transaction.atomic():
        return _connect(actor, actor.user, claims)


def _connect(actor: Actor, user: User, claims: Claims) -> Identity:
    try:
        with transaction.atomic():
            made = Identity.objects.create(
                user=user, issuer=claims.issuer, subject=claims.subject, label=claims.label
            )
    except IntegrityError:
        raise Conflict(
            "This account, or this identity, was connected to another meanwhile. Disconnect that first."
        ) from None
    events.record(
        actor, "user.identity", entity=user.entity, subject=user.username, before=None, after=claims.issuer
    )
    return made


def disconnect(actor: Actor, *, identity: int) -> None:
    """End that one of the person's own identities lets them in."""
    if actor.user is None:
        raise NotAuthenticated("Sign in to change your settings.")
    user = actor.user
    with transaction.atomic():
        found = Identity.objects.select_for_update().filter(pk=identity, user=user).first()
        if found is None:
            raise NotFound("This identity is not connected to your account.")
        if not user.has_usable_password():
            raise Conflict("Set a password first: without one, nothing would let you in any more.")
        found.delete()
        events.record(
            actor, "user.identity", entity=user.entity, subject=user.username, before=found.issuer, after=None
        )


def _check(claims: Claims) -> None:
    """Refuse what no provider should say, before the database does."""
    for text in (claims.issuer, claims.subject):
        if not text or len(text) > _MOST or "\0" in text:
            raise InvalidInput("The provider answered without a subject that can be kept. Tell its operator.")
    if claims.email:
        accounts.check_email(claims.email)


def _plain(text: str) -> str:
    return " ".join("".join(letter for letter in text if letter.isprintable()).split())[:64]


def _free_name(claims: Claims) -> str:
    """Make a user name of what the provider calls somebody; the first number that is free stands behind it."""
    wanted = claims.username.partition("@")[0] or claims.email.partition("@")[0]
    wanted = _ODD.sub("-", wanted).strip("-._")[:50] or "user"
    for number in count(1):
        name = wanted if number == 1 else f"{wanted}-{number}"
        try:
            check_entity_name(name)
        except InvalidName:
            continue
        if not Entity.objects.filter(folded=name.casefold()).exists():
            return name
    raise AssertionError("count() ends nowhere")

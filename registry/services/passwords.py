"""Forgotten passwords: a link by mail that lets one choose a new one, once and for an hour."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from registry.actor import Actor
from registry.errors import NotFound
from registry.models import User
from registry.services import accounts, events, mail

Link = Callable[[str, str], str]


def ask(actor: Actor, *, email: str, link: Link) -> None:
    """Send a link to the account with this address, if there is one: the answer never tells which."""
    accounts.limit(f"reset:address:{actor.address}", f"reset:mail:{email.casefold()}")
    for user in User.objects.filter(email__iexact=email, is_active=True)[:10] if email else []:
        address = link_for(user, link)
        # Not here: how long a mail server takes would tell that there is such an account.
        mail.send_soon(
            user.email,
            "A new password for Strongroom",
            f"Somebody, probably you, asked for a new password for {user.username}.\n\n{address}\n\n"
            "The link works once, for an hour. If it was not you, leave it alone: nothing was changed.\n",
        )


def link_for(user: User, link: Link) -> str:
    """Make the link that lets a person choose a password; the caller has seen to the right."""
    return link(urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user))


def find(uid: str, token: str) -> User:
    """Return whose password a link changes."""
    try:
        user = User.objects.filter(pk=int(urlsafe_base64_decode(uid)), is_active=True).first()
    except (ValueError, OverflowError):
        user = None
    if user is None or not default_token_generator.check_token(user, token):
        raise NotFound("This link was used, or is too old. Ask for a new one on the sign-in page.")
    return user


def reset(actor: Actor, *, uid: str, token: str, new: str) -> User:
    """Set the new password; all sessions of the account end, and so does the link."""
    with transaction.atomic():
        # Locked before the link is looked at: of two who follow it at once, one finds it used.
        User.objects.select_for_update().filter(pk=find(uid, token).pk).first()
        user = find(uid, token)
        accounts.put_password(user, new)
        events.record(Actor(user, door=actor.door, address=actor.address), "user.password", entity=user.entity,
                      subject=user.username)  # fmt: skip
    return user

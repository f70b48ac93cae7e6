"""People: the first admin through the set-up link, others by an admin, and sign-in."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from strongroom.core.names import check_entity_name, check_label

from registry.actor import Actor
from registry.errors import InvalidInput, NameTaken, NotAuthenticated, NotFound, RateLimited
from registry.models import Entity, Installation, Organization, Team, User, named
from registry.policy import Act, check
from registry.services import events
from registry.services._common import now

# PyPI's limit: ten failures in five minutes, per user and per address.
ATTEMPTS, WINDOW_SECONDS = 10, 300


def setup_token_for_link() -> str | None:
    """Make a fresh set-up token and return it; None once an admin exists.

    Only its SHA-256 is kept, so the link can be printed again only by making a new one.
    """
    if User.objects.filter(is_admin=True).exists():
        return None
    token = secrets.token_urlsafe(32)
    Installation.objects.update_or_create(id=1, defaults={"setup_sha256": _sha256(token)})
    return token


def check_setup_token(token: str) -> None:
    """Raise NotFound unless the token is the one that was printed last and no admin exists."""
    kept = Installation.current().setup_sha256
    used = kept is None or User.objects.filter(is_admin=True).exists()
    if used or not hmac.compare_digest(kept or b"", _sha256(token)):
        raise NotFound(
            "This set-up link was used or replaced. The terminal prints a new one at the next start."
        )


def complete_setup(
    actor: Actor, *, token: str, username: str, password: str, email: str = "", full_name: str = ""
) -> User:
    """Make the admin account, once."""
    with transaction.atomic():
        # The lock makes two people who open the link at once into one admin.
        Installation.objects.select_for_update().filter(id=1).first()
        check_setup_token(token)
        Installation.objects.filter(id=1).update(setup_sha256=None)
        return _make(
            actor, username=username, email=email, full_name=full_name, password=password, is_admin=True
        )


def create_user(
    actor: Actor,
    *,
    username: str,
    email: str = "",
    full_name: str = "",
    password: str | None = None,
    is_admin: bool = False,
) -> User:
    """Make a person with their own entity; without a password they can't sign in, only use keys."""
    check(actor, Act.ADMINISTER, None)
    return _make(
        actor, username=username, email=email, full_name=full_name, password=password, is_admin=is_admin
    )


def _make(
    actor: Actor, *, username: str, email: str, full_name: str, password: str | None, is_admin: bool
) -> User:
    check_entity_name(username)
    _check_email(email)
    full_name = check_label(full_name) if full_name else ""
    user = User(username=username, email=email, full_name=full_name, is_admin=is_admin)
    _set_password(user, password)
    try:
        with transaction.atomic():
            user.entity = Entity.objects.create(
                name=username, folded=username.casefold(), kind=Entity.Kind.USER
            )
            user.save()
            events.record(
                actor, "user.create", entity=user.entity, subject=username, after={"is_admin": is_admin}
            )
    except IntegrityError:
        raise NameTaken(f'The name "{username}" is taken. Choose another.', name=username) from None
    return user


def make_admin(actor: Actor, *, user: User) -> None:
    """Let a person administer the whole installation."""
    check(actor, Act.ADMINISTER, None)
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_admin=True)
        events.record(
            actor, "user.admin", entity=user.entity, subject=user.username, before=False, after=True
        )


def set_email(actor: Actor, *, user: User, email: str) -> None:
    """Change the address that a person gets mail at."""
    check(actor, Act.ADMINISTER, None)
    _check_email(email)
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(email=email)
        events.record(
            actor, "user.email", entity=user.entity, subject=user.username, before=user.email, after=email
        )


def set_password(actor: Actor, *, user: User, new: str, old: str | None = None) -> None:
    """Change a password: one's own with the old one, anybody's as admin."""
    if actor.user == user and not actor.is_system:
        if old is None or not user.check_password(old):
            raise InvalidInput("The present password is wrong. Nothing was changed.", field="old")
    else:
        check(actor, Act.ADMINISTER, None)
    _set_password(user, new)
    with transaction.atomic():
        user.save(update_fields=["password"])
        events.record(actor, "user.password", entity=user.entity, subject=user.username)


def authenticate(*, username: str, password: str, address: str) -> User:
    """Return the person, or raise NotAuthenticated; RateLimited after ten failures in five minutes."""
    counters = [f"sign-in:user:{_sha256(username.casefold()).hex()}", f"sign-in:address:{address}"]
    # Counted before the password is looked at: many attempts at one moment are no way round the limit.
    if max([_count(counter) for counter in counters]) > ATTEMPTS:
        raise RateLimited(
            "Too many failed attempts. Wait five minutes, then try again.", seconds=WINDOW_SECONDS
        )
    user = User.objects.filter(named(username), is_active=True).first()
    # The same work for a name that is not there, so that time does not tell who exists.
    good = (user or User()).check_password(password) if user else _waste(password)
    if user is None or not good:
        raise NotAuthenticated("The name or the password is wrong.")
    cache.delete(counters[0])
    _count(counters[1], -1)
    return user


def forget_sessions() -> int:
    """Forget sessions that have expired; returns how many."""
    return Session.objects.filter(expire_date__lt=now()).delete()[0]


def find(actor: Actor, username: str, *, place: Organization | Team | None = None) -> User:
    """Find a person by name, for those who may administer, or manage the members of a place.

    The right comes before the look-up: only who has it learns which names exist.
    """
    if place is None:
        check(actor, Act.ADMINISTER, None)
    else:
        check(actor, Act.MANAGE_MEMBERS, place)
    user = User.objects.filter(named(username)).first()
    if user is None:
        raise NotFound(f'There is no user "{username}". An admin makes one with: manage.py createuser NAME.')
    return user


def _count(counter: str, change: int = 1) -> int:
    """Count an attempt and return how many there were in the window, which begins with the first."""
    cache.add(counter, 0, WINDOW_SECONDS)
    try:
        return int(cache.incr(counter, change))
    except ValueError:
        # The window ended between the two lines.
        return 1


def _waste(password: str) -> bool:
    User().set_password(password)
    return False


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as refused:
        raise InvalidInput(" ".join(refused.messages), field="password") from None
    user.set_password(password)


def _check_email(email: str) -> None:
    try:
        if email:
            validate_email(email)
            User._meta.get_field("email").run_validators(email)
    except ValidationError:
        raise InvalidInput(f'"{email}" is not an e-mail address.', field="email") from None


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

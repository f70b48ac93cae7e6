"""People: the first admin through the set-up link, others by an admin, and sign-in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from zoneinfo import available_timezones

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
from registry.services._common import KEEP, Keep, changes, now

# PyPI's limit: ten failures in five minutes, per user and per address.
ATTEMPTS, WINDOW_SECONDS = 10, 300
_A_WHILE = timedelta(minutes=30)


def is_set_up() -> bool:
    """Say whether there is an admin: before that nobody can do anything but open the set-up link."""
    return User.objects.filter(is_admin=True).exists()


def setup_token_for_link() -> str | None:
    """Make a fresh set-up token and return it; None once an admin exists.

    Only its SHA-256 is kept, so the link can be printed again only by making a new one.
    """
    if is_set_up():
        return None
    token = secrets.token_urlsafe(32)
    Installation.objects.update_or_create(id=1, defaults={"setup_sha256": _sha256(token)})
    return token


def check_setup_token(token: str) -> None:
    """Raise NotFound unless the token is the one that was printed last and no admin exists."""
    if is_set_up():
        raise NotFound("Strongroom is set up already. Sign in, or ask an admin for an account.")
    kept = Installation.current().setup_sha256
    if kept is None or not hmac.compare_digest(kept, _sha256(token)):
        raise NotFound("This set-up link was replaced. Open the one that the terminal printed last.")


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
    check_email(email)
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


def make_invited(actor: Actor, *, username: str, password: str, full_name: str, email: str) -> User:
    """Make a person who was invited: whoever calls this has seen the invitation."""
    return _make(
        actor, username=username, email=email, full_name=full_name, password=password, is_admin=False
    )


def make_identified(actor: Actor, *, username: str, full_name: str, email: str) -> User:
    """Make a person whom the OpenID Connect provider vouches for: whoever calls this has seen that it may."""
    return _make(actor, username=username, email=email, full_name=full_name, password=None, is_admin=False)


def edit_profile(
    actor: Actor,
    *,
    full_name: str = "",
    email: str = "",
    time_zone: str = "",
    default_entity: str = "",
    mails_inbox: bool | Keep = KEEP,
) -> User:
    """Change what one says of oneself, what counts when nothing is said, and whether the inbox is told by mail."""
    user = actor.user
    if user is None:
        raise NotAuthenticated("Sign in to change your settings.")
    check_email(email)
    wanted = {
        "full_name": check_label(full_name) if full_name else "",
        "email": email,
        "time_zone": _check_time_zone(time_zone),
        "default_entity": _check_default(user, default_entity),
        **({} if mails_inbox is KEEP else {"mails_inbox": mails_inbox}),
    }
    before, after = changes(user, wanted)
    if after:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(**after)
            told = [{name: _in_words(value) for name, value in each.items()} for each in (before, after)]
            events.record(
                actor, "user.edit", entity=user.entity, subject=user.username, before=told[0], after=told[1]
            )
        user.refresh_from_db()
    return user


def _in_words(value: object) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value or "")


def _check_time_zone(name: str) -> str:
    if name and name not in available_timezones():
        raise InvalidInput(f'"{name[:80]}" is not a time zone, such as Europe/Berlin.', field="time_zone")
    return name


def _check_default(user: User, name: str) -> Entity | None:
    if not name or name.casefold() == user.entity.folded:
        return None
    found = Entity.objects.with_role(user).named(name).exclude(kind=Entity.Kind.ORGANIZATION).first()
    if found is None:
        raise InvalidInput(
            f'You have no team "{name[:80]}". Choose one of yours, or yourself.', field="default_entity"
        )
    return found


def default_entity(user: User) -> Entity:
    """Return where things of a person go that name no entity: the team they chose while they are in it, else theirs."""
    if user.default_entity_id is None:
        return user.entity
    chosen = Entity.objects.with_role(user).filter(pk=user.default_entity_id).first()
    return chosen or user.entity


def come_home(user: User) -> datetime | None:
    """Note that a person opened their home page; return since when it had not been, when that was a while."""
    at, before = now(), user.home_seen_at
    if before is not None and at - before < _A_WHILE:
        return None
    User.objects.filter(pk=user.pk).update(home_seen_at=at)
    return before


def set_email(actor: Actor, *, user: User, email: str) -> None:
    """Change the address that a person gets mail at."""
    check(actor, Act.ADMINISTER, None)
    check_email(email)
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
    with transaction.atomic():
        put_password(user, new)
        events.record(actor, "user.password", entity=user.entity, subject=user.username)


def put_password(user: User, new: str) -> None:
    """Keep a new password; the caller has seen to the right, and tells of it."""
    _set_password(user, new)
    user.save(update_fields=["password"])


def limit(*counters: str) -> None:
    """Count an attempt under these names; RateLimited after ten in five minutes under any of them."""
    if max([_count(counter) for counter in counters]) > ATTEMPTS:
        raise RateLimited("Too many attempts. Wait five minutes, then try again.", seconds=WINDOW_SECONDS)


def forgive(*counters: str) -> None:
    """Take back the attempt that `limit` counted: it led to somebody, and many people may share one address."""
    for counter in counters:
        _count(counter, -1)


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


def check_email(email: str) -> None:
    """Refuse what is no address; empty is none, and fine."""
    try:
        if email:
            validate_email(email)
            User._meta.get_field("email").run_validators(email)
    except ValidationError:
        raise InvalidInput(f'"{email}" is not an e-mail address.', field="email") from None


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

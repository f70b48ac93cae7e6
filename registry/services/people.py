"""The people of the installation, for its admins: who is there, who may administer, who is let in no more."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from registry.actor import Actor
from registry.errors import Conflict
from registry.models import ApiKey, OrganizationMember, TeamMember, User
from registry.policy import Act, check
from registry.services import events, passwords, promotion_states
from registry.services._common import now

STATES = {"active": Q(is_active=True), "inactive": Q(is_active=False), "admin": Q(is_admin=True)}


class Ties(NamedTuple):
    """What a person belongs to, and how many keys of theirs still work."""

    organizations: list[OrganizationMember]
    teams: list[TeamMember]
    keys: int


def listing(actor: Actor, *, q: str | None = None, state: str | None = None) -> QuerySet[User]:
    """List everybody by name, with `teams`, how many they are in; `q` is looked for in names and address."""
    check(actor, Act.ADMINISTER, None)
    teams = (
        TeamMember.objects.filter(user=OuterRef("pk"), team__entity__deleted_at=None)
        .order_by()
        .values("user")
        .annotate(n=Count("pk"))
    )
    rows = User.objects.annotate(teams=Subquery(teams.values("n"))).order_by("username")
    if q:
        rows = rows.filter(Q(username__icontains=q) | Q(full_name__icontains=q) | Q(email__icontains=q))
    return rows.filter(STATES[state]) if state else rows


def ties(actor: Actor, user: User) -> Ties:
    """Return what a person belongs to."""
    check(actor, Act.ADMINISTER, None)
    above = user.organization_memberships.select_related("organization__entity")
    below = user.team_memberships.filter(team__entity__deleted_at=None).select_related("team__entity")
    return Ties(
        list(above.order_by("organization__entity__folded")),
        list(below.order_by("team__entity__folded")),
        ApiKey.objects.live(now()).filter(user=user).count(),
    )


def set_admin(actor: Actor, *, user: User, is_admin: bool) -> None:
    """Let a person administer the whole installation, or no longer; the last who can stays."""
    _set(actor, user, "is_admin", is_admin, "user.admin")


def set_active(actor: Actor, *, user: User, is_active: bool) -> None:
    """Let a person in again, or no longer: sessions and keys end with the next request. What they made stays."""
    _set(actor, user, "is_active", is_active, "user.active")


def _set(actor: Actor, user: User, name: str, value: bool, act: str) -> None:
    """Change a flag of a person, and tell of it; one that is so already is no act."""
    check(actor, Act.ADMINISTER, None)
    with transaction.atomic():
        fresh = _locked(user)
        if getattr(fresh, name) == value:
            return
        if not value:
            _keep_an_admin(fresh)
        User.objects.filter(pk=user.pk).update(**{name: value})
        events.record(actor, act, entity=user.entity, subject=user.username, before=not value, after=value)
    # Not with the person's row locked: whoever reviews at this moment waits for it, with the promotion locked.
    promotion_states.reconsider([fresh])


# What an admin can do to an account, by the word that doors know it by.
ACTS = {
    "make-admin": partial(set_admin, is_admin=True),
    "unmake-admin": partial(set_admin, is_admin=False),
    "activate": partial(set_active, is_active=True),
    "deactivate": partial(set_active, is_active=False),
}


def password_link(actor: Actor, *, user: User, link: passwords.Link) -> str:
    """Return a link by which a person chooses a password, to be handed on: it works once, for an hour."""
    check(actor, Act.ADMINISTER, None)
    if not user.is_active:
        raise Conflict(f"{user.username} is not let in. Let them in again first.")
    with transaction.atomic():
        events.record(actor, "user.password_link", entity=user.entity, subject=user.username)
    return passwords.link_for(user, link)


def _locked(user: User) -> User:
    """Lock all admins, in one order, and the person: two who take each other's rights wait for one another."""
    rows = User.objects.select_for_update().filter(Q(is_admin=True) | Q(pk=user.pk)).order_by("pk")
    return next(row for row in rows if row.pk == user.pk)


def _keep_an_admin(user: User) -> None:
    others = User.objects.filter(is_admin=True, is_active=True).exclude(pk=user.pk)
    if user.is_admin and not others.exists():
        raise Conflict(
            f"{user.username} is the last admin of this installation. Make somebody else admin first."
        )

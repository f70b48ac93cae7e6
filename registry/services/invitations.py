"""Invitations to a team: made by its admins, sent or handed on as a link, accepted once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet

from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from registry.models import Invitation, Role, Team, TeamMember, User
from registry.policy import Act, can, check
from registry.services import accounts, events, mail, teams
from registry.services._common import now

LASTS = timedelta(days=7)
Link = Callable[[str], str]


def invite(
    actor: Actor, *, team: Team, role: str, link: Link, email: str = ""
) -> tuple[Invitation, str, bool]:
    """Make an invitation; return it with its link, and whether that was sent by mail.

    `link` makes an address of a token, of which only the SHA-256 is kept: the link is shown this once.
    """
    check(actor, Act.MANAGE_MEMBERS, team)
    if role not in Role.values:
        raise InvalidInput(f'"{role}" is not a role: choose one of {", ".join(Role.values)}.', field="role")
    accounts.check_email(email)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        made = Invitation.objects.create(
            team=team, role=role, email=email, sha256=_sha256(token), created_by=actor.user, expires_at=now() + LASTS
        )  # fmt: skip
        events.record(actor, "member.invite", entity=team.entity, subject=email or "a link", after=role)
    address = link(token)
    sent = bool(email) and mail.is_set_up() and mail.send(email, *_letter(actor, team, role, address))
    return made, address, sent


def _letter(actor: Actor, team: Team, role: str, address: str) -> tuple[str, str]:
    who = actor.user.display_name if actor.user else "An admin"
    return (
        f"{who} invites you to the team {team.entity.name}",
        f"{who} invites you to the team {team.entity.name} on Strongroom, with the role {role}.\n\n"
        f"{address}\n\nThe link works once, for {LASTS.days} days. If you did not expect it, leave it alone.\n",
    )


def listing(actor: Actor, *, team: Team) -> QuerySet[Invitation]:
    """List the invitations of a team that are still open, the newest first."""
    check(actor, Act.MANAGE_MEMBERS, team)
    rows = Invitation.objects.open(now()).filter(team=team).select_related("created_by")
    return rows.order_by("-created_at", "-pk")


def revoke(actor: Actor, *, team: Team, invitation: int) -> Invitation:
    """Let an invitation count no more."""
    check(actor, Act.MANAGE_MEMBERS, team)
    with transaction.atomic():
        found = Invitation.objects.select_for_update().filter(team=team, pk=invitation).first()
        if found is None or found.accepted_at or found.revoked_at:
            raise NotFound(
                "There is no such open invitation: it may have been accepted or revoked meanwhile."
            )
        found.revoked_at = now()
        found.save(update_fields=["revoked_at"])
        events.record(
            actor, "member.uninvite", entity=team.entity, subject=found.email or "a link", before=found.role
        )
    return found


def find(token: str) -> Invitation:
    """Return the open invitation of a link."""
    rows = Invitation.objects.open(now()).filter(sha256=_sha256(token))
    found = rows.select_related("team__entity", "team__organization__entity", "created_by").first()
    if found is None:
        raise NotFound(
            "This invitation was accepted, revoked, or is too old. Ask an admin of the team for a new link."
        )
    return found


def takes_strangers(actor: Actor, team: Team) -> bool:
    """Say whether who is not in the organization yet can join by an invitation that this person made."""
    return can(actor, Act.MANAGE_MEMBERS, team.organization)


def accept(actor: Actor, *, token: str) -> Invitation:
    """Join the team, in the name of who made the invitation; a role that one has is never lowered."""
    if actor.user is None:
        raise NotAuthenticated("Sign in, or make an account, to accept the invitation.")
    with transaction.atomic():
        found = find(token)
        claimed = Invitation.objects.open(now()).filter(pk=found.pk)
        if not claimed.update(accepted_by=actor.user, accepted_at=now()):
            raise Conflict("Somebody else accepted this invitation a moment ago. Ask for a new link.")
        _join(actor.user, found)
        events.record(
            actor, "member.join", entity=found.team.entity, subject=actor.user.username, after=found.role
        )
    return found


def _join(user: User, invitation: Invitation) -> None:
    host = Actor(invitation.created_by, door="web")
    if invitation.created_by is None or not can(host, Act.MANAGE_MEMBERS, invitation.team):
        raise Conflict(
            "This invitation counts no more: who made it may not add members now. Ask another admin of the team."
        )
    held = TeamMember.objects.filter(team=invitation.team, user=user).first()
    order = list(Role)
    if held is not None and order.index(Role(held.role)) >= order.index(Role(invitation.role)):
        raise Conflict(f"You are {held.role} of {invitation.team.entity.name} already.")
    teams.add_member(host, place=invitation.team, user=user, role=invitation.role)


def register(
    actor: Actor, *, token: str, username: str, password: str, full_name: str = "", email: str = ""
) -> User:
    """Make an account by an invitation and join the team with it: both, or neither."""
    with transaction.atomic():
        find(token)
        user = accounts.make_invited(
            actor, username=username, password=password, full_name=full_name, email=email
        )
        accept(Actor(user, door=actor.door, address=actor.address), token=token)
    return user


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

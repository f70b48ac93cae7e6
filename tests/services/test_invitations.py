"""Invitations: who makes them, who accepts them, and when they count no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as outbox

from registry.errors import Conflict, Forbidden, InvalidInput, InvalidName, NotAuthenticated, NotFound
from registry.models import Event, Invitation, OrganizationMember, TeamMember, User
from registry.services import invitations, teams
from tests import factories as make

pytestmark = pytest.mark.django_db


def link(token: str) -> str:
    return f"https://example.org/{token}"


@pytest.fixture
def host(people):
    """An admin of the team and of its organization, who may bring people in."""
    teams.add_member(make.system("command"), place=people.organization, user=people.alice, role="admin")
    return make.actor(people.alice)


def invited(host, people, role="member", **more) -> str:
    _, address, _ = invitations.invite(host, team=people.team, role=role, link=link, **more)
    return address.rpartition("/")[2]


def role_of(people, user: User) -> str | None:
    held = TeamMember.objects.filter(team=people.team, user=user).first()
    return held.role if held else None


def test_who_has_the_link_joins_team_and_organization_once(people, host):
    token = invited(host, people)
    charlie = make.actor(people.charlie)
    invitations.accept(charlie, token=token)
    assert role_of(people, people.charlie) == "member"
    assert OrganizationMember.objects.filter(organization=people.organization, user=people.charlie).exists()
    with pytest.raises(NotFound):
        invitations.accept(make.actor(make.user()), token=token)
    assert list(Event.objects.filter(act__startswith="member.").order_by("pk").values_list("act", flat=True))[-3:] == [
        "member.role", "member.role", "member.join",
    ]  # fmt: skip


def test_only_the_digest_is_kept(people, host):
    token = invited(host, people)
    assert not [
        value for value in Invitation.objects.values_list("sha256", "email", "role") if token in str(value)
    ]


def test_only_who_manages_members_invites_lists_and_revokes(people):
    for name in ("bob", "vera", "charlie"):
        who = make.actor(getattr(people, name))
        with pytest.raises((Forbidden, NotFound)):
            invitations.invite(who, team=people.team, role="member", link=link)
        with pytest.raises((Forbidden, NotFound)):
            invitations.listing(who, team=people.team)
        with pytest.raises((Forbidden, NotFound)):
            invitations.revoke(who, team=people.team, invitation=1)


def test_one_without_right_to_the_organization_brings_in_nobody_from_outside(people):
    token = invited(make.actor(people.alice), people)
    with pytest.raises(Conflict, match="not in the organization"):
        invitations.accept(make.actor(people.charlie), token=token)
    assert Invitation.objects.get().accepted_at is None
    invitations.accept(make.actor(people.olga), token=token)
    assert role_of(people, people.olga) == "member"


def test_it_counts_no_more_once_who_made_it_lost_the_right(people, host):
    token = invited(host, people)
    teams.add_member(make.system("command"), place=people.team, user=people.bob, role="admin")
    teams.add_member(make.system("command"), place=people.organization, user=people.bob, role="admin")
    for place in (people.team, people.organization):
        teams.add_member(make.system("command"), place=place, user=people.alice, role="member")
    with pytest.raises(Conflict, match="counts no more"):
        invitations.accept(make.actor(people.olga), token=token)
    User.objects.filter(pk=people.alice.pk).update(is_active=False)
    with pytest.raises(Conflict, match="counts no more"):
        invitations.accept(make.actor(people.olga), token=token)


def test_a_revoked_an_old_and_an_unknown_link_lead_nowhere(people, host):
    revoked, old = invited(host, people), invited(host, people)
    first, second = Invitation.objects.order_by("pk")
    invitations.revoke(host, team=people.team, invitation=first.pk)
    Invitation.objects.filter(pk=second.pk).update(expires_at=second.created_at - timedelta(seconds=1))
    for token in (revoked, old, "nothing", "", "ü\udc80"):
        with pytest.raises(NotFound):
            invitations.find(token)
    with pytest.raises(NotFound):
        invitations.revoke(host, team=people.team, invitation=first.pk)
    assert not invitations.listing(host, team=people.team).exists()


def test_a_role_is_never_lowered(people, host):
    token = invited(host, people, "viewer")
    with pytest.raises(Conflict, match="member of"):
        invitations.accept(make.actor(people.bob), token=token)
    assert role_of(people, people.bob) == "member"
    invitations.accept(make.actor(people.bob), token=invited(host, people, "admin"))
    assert role_of(people, people.bob) == "admin"


def test_an_account_is_made_and_joins_or_neither(people, host):
    token = invited(host, people)
    nobody = make.actor(None)
    with pytest.raises(InvalidName):
        invitations.register(nobody, token=token, username="no/slash", password="correct horse battery")
    with pytest.raises(InvalidInput):
        invitations.register(nobody, token=token, username="fresh", password="short")
    assert not User.objects.filter(username="fresh").exists()
    made = invitations.register(nobody, token=token, username="fresh", password="correct horse battery")
    assert role_of(people, made) == "member"
    assert not made.is_admin
    with pytest.raises(NotFound):
        invitations.register(nobody, token=token, username="other", password="correct horse battery")
    with pytest.raises(NotAuthenticated):
        invitations.accept(nobody, token=invited(host, people))


def test_with_mail_set_up_it_is_sent(people, host, settings):
    settings.EMAIL_HOST = "mail.example.org"
    made, address, sent = invitations.invite(
        host, team=people.team, role="viewer", link=link, email="new@example.org"
    )
    assert sent
    [letter] = outbox.outbox
    assert letter.to == ["new@example.org"]
    assert address in letter.body
    assert made.email == "new@example.org"
    with pytest.raises(InvalidInput):
        invitations.invite(host, team=people.team, role="viewer", link=link, email="no address")
    with pytest.raises(InvalidInput):
        invitations.invite(host, team=people.team, role="owner", link=link)

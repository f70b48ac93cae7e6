"""The people of the installation: one admin stays, who is not let in is out at once, and comes back as they were."""

from __future__ import annotations

import pytest
from django.test import Client

from registry.errors import Conflict, Forbidden
from registry.models import User
from registry.services import keys, passwords, people
from tests import factories as make
from tests.support.together import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(people):
    return make.actor(people.root)


@pytest.fixture
def others(people):
    return people


def test_who_is_let_in_no_more_is_out_with_the_next_request_and_comes_back_as_before(root, others):
    browser, (_, secret) = Client(), keys.create(make.actor(others.bob), user=others.bob, name="k")
    browser.force_login(others.bob)
    script = {"Authorization": f"Bearer {secret}"}
    assert browser.get("/").status_code == 200
    people.set_active(root, user=others.bob, is_active=False)
    assert browser.get("/").status_code == 302
    assert Client().get("/api/v1/me", headers=script).status_code == 401
    people.set_active(root, user=others.bob, is_active=True)
    assert Client().get("/api/v1/me", headers=script).status_code == 200
    assert others.bob.team_memberships.exists()


@pytest.mark.parametrize("act", [people.set_active, people.set_admin])
def test_the_last_admin_stays(root, others, act):
    wanted = {"is_active": False} if act is people.set_active else {"is_admin": False}
    with pytest.raises(Conflict, match="last admin"):
        act(root, user=others.root, **wanted)
    people.set_admin(root, user=others.alice, is_admin=True)
    act(root, user=others.root, **wanted)
    assert not User.objects.filter(pk=others.root.pk, is_active=True, is_admin=True).exists()


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_take_each_others_rights_leave_one(root, others):
    people.set_admin(root, user=others.alice, is_admin=True)
    alice = make.actor(User.objects.get(pk=others.alice.pk))
    together(
        [
            lambda: people.set_admin(root, user=others.alice, is_admin=False),
            lambda: people.set_admin(alice, user=others.root, is_admin=False),
        ]
    )
    assert User.objects.filter(is_admin=True, is_active=True).count() == 1


def test_a_password_link_works_once_and_not_for_who_is_not_let_in(root, others):
    _, uid, token = people.password_link(root, user=others.bob, link="/{}/{}".format).split("/")
    passwords.reset(make.actor(None), uid=uid, token=token, new="correct horse battery")
    with pytest.raises(Exception, match="used, or is too old"):
        passwords.find(uid, token)
    people.set_active(root, user=others.bob, is_active=False)
    others.bob.refresh_from_db()
    with pytest.raises(Conflict, match="not let in"):
        people.password_link(root, user=others.bob, link="/{}/{}".format)


def test_people_are_found_by_name_address_and_state(root, others):
    User.objects.filter(pk=others.bob.pk).update(email="bob@example.org", full_name="Robert Roe")
    people.set_active(root, user=others.bob, is_active=False)
    for given in ({"q": others.bob.username[1:]}, {"q": "roe"}, {"q": "BOB@"}, {"state": "inactive"}):
        assert [row.username for row in people.listing(root, **given)] == [others.bob.username], given
    assert others.root in people.listing(root, state="admin")
    assert {row.pk: row.teams for row in people.listing(root)}[others.alice.pk] == 1
    with pytest.raises(Forbidden):
        people.listing(make.actor(others.alice))

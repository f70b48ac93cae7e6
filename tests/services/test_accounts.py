"""People: the set-up link, passwords, sign-in and its limit."""

from __future__ import annotations

import pytest

from registry.actor import Actor, system
from registry.errors import (
    Forbidden,
    InvalidInput,
    InvalidName,
    NameTaken,
    NotAuthenticated,
    NotFound,
    RateLimited,
)
from registry.models import Event, Installation, User
from registry.services import accounts
from registry.services import people as administer
from tests import factories as make

pytestmark = pytest.mark.django_db

NOBODY = Actor(user=None, door="web", address="192.0.2.9")
GOOD = "correct horse battery"


def set_up(token: str, username: str = "first", password: str = GOOD) -> User:
    return accounts.complete_setup(NOBODY, token=token, username=username, password=password)


def sign_in(username: str, password: str = GOOD, address: str = "192.0.2.1") -> User:
    return accounts.authenticate(username=username, password=password, address=address)


def test_the_set_up_link_makes_one_admin_and_then_nothing():
    token = accounts.setup_token_for_link()
    admin = set_up(token)
    assert (admin.is_admin, admin.entity.name) == (True, "first")
    with pytest.raises(NotFound):
        set_up(token, "second")
    assert accounts.setup_token_for_link() is None
    assert list(User.objects.all()) == [admin]


def test_a_fresh_set_up_link_voids_the_one_before():
    old, new = accounts.setup_token_for_link(), accounts.setup_token_for_link()
    with pytest.raises(NotFound):
        accounts.check_setup_token(old)
    accounts.check_setup_token(new)


def test_a_set_up_link_is_void_once_an_admin_was_made_by_command():
    token = accounts.setup_token_for_link()
    make.user(is_admin=True)
    with pytest.raises(NotFound):
        accounts.check_setup_token(token)
    with pytest.raises(NotFound):
        set_up(token)


@pytest.mark.parametrize("token", ["", "x", "é\ud800"])
def test_a_wrong_set_up_token_is_refused(token):
    accounts.setup_token_for_link()
    with pytest.raises(NotFound):
        set_up(token)
    assert not User.objects.exists()


def test_a_refused_set_up_leaves_the_link_usable():
    token = accounts.setup_token_for_link()
    for username, password in (("api", GOOD), ("first", "short"), ("../x", GOOD)):
        with pytest.raises(InvalidInput):
            set_up(token, username, password)
    assert set_up(token).username == "first"


def test_the_set_up_token_is_kept_only_as_a_hash():
    token = accounts.setup_token_for_link()
    assert token.encode() not in bytes(Installation.current().setup_sha256)


def test_names_are_taken_without_regard_to_case_and_across_kinds(people):
    with pytest.raises(NameTaken):
        make.user(people.bob.username.upper())
    with pytest.raises(NameTaken):
        make.user(people.team.entity.name)


def test_only_admins_make_users_and_admins(people, alice):
    with pytest.raises(Forbidden):
        accounts.create_user(alice, username="somebody")
    with pytest.raises(Forbidden):
        administer.set_admin(alice, user=people.alice, is_admin=True)
    administer.set_admin(make.actor(people.root), user=people.alice, is_admin=True)
    people.alice.refresh_from_db()
    assert people.alice.is_admin


def test_an_email_or_a_full_name_that_deceives_is_refused():
    with pytest.raises(InvalidInput):
        make.user(email="not an address")
    with pytest.raises(InvalidInput):
        make.user(email="a" * 64 + "@" + ".".join(["b" * 60] * 4) + ".org")
    with pytest.raises(InvalidName):
        make.user(full_name="Alice\u202e")


def test_one_changes_ones_own_password_with_the_old_one():
    user = make.user(password=GOOD)
    who = make.actor(user)
    for old in (None, "wrong"):
        with pytest.raises(InvalidInput):
            accounts.set_password(who, user=user, new="another good one", old=old)
    with pytest.raises(InvalidInput):
        accounts.set_password(who, user=user, new="password", old=GOOD)
    accounts.set_password(who, user=user, new="another good one", old=GOOD)
    assert sign_in(user.username, "another good one") == user


def test_nobody_changes_the_password_of_another_but_an_admin(people):
    with pytest.raises(Forbidden):
        accounts.set_password(make.actor(people.alice), user=people.bob, new=GOOD, old=GOOD)
    accounts.set_password(make.actor(people.root), user=people.bob, new=GOOD)
    assert sign_in(people.bob.username) == people.bob
    assert Event.objects.filter(act="user.password", subject=people.bob.username).count() == 1


def test_sign_in_takes_the_name_in_any_case_and_says_the_same_of_every_failure():
    user = make.user(password=GOOD)
    assert sign_in(user.username.upper()) == user
    told = set()
    for name, password in (
        (user.username, "wrong"),
        ("nobody-of-that-name", GOOD),
        (make.user().username, ""),
    ):
        with pytest.raises(NotAuthenticated) as refused:
            sign_in(name, password)
        told.add(str(refused.value))
    assert len(told) == 1


def test_the_inactive_do_not_sign_in():
    user = make.user(password=GOOD)
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(NotAuthenticated):
        sign_in(user.username)


def fail(times: int, username: str, addresses=None) -> None:
    for number in range(times):
        with pytest.raises(NotAuthenticated):
            sign_in(username, "wrong", addresses(number) if addresses else "192.0.2.1")


def test_ten_failures_for_a_name_close_it_whatever_the_address():
    user = make.user(password=GOOD)
    fail(10, user.username, lambda number: f"192.0.2.{number}")
    with pytest.raises(RateLimited):
        sign_in(user.username, address="198.51.100.7")


def test_ten_failures_from_an_address_close_it_whatever_the_name():
    user = make.user(password=GOOD)
    for number in range(10):
        fail(1, f"guess{number}")
    with pytest.raises(RateLimited):
        sign_in(user.username)
    assert sign_in(user.username, address="198.51.100.7") == user


def test_a_success_forgives_the_name_and_does_not_count_for_the_address():
    user = make.user(password=GOOD)
    fail(9, user.username)
    for _ in range(5):
        assert sign_in(user.username, address="198.51.100.7") == user
    fail(9, user.username, lambda number: f"203.0.113.{number}")
    assert sign_in(user.username, address="198.51.100.7") == user


def test_attempts_are_counted_before_the_password_is_looked_at(monkeypatch):
    """Many attempts at the same moment are no way round the limit."""
    user = make.user(password=GOOD)
    depth, outcomes = [0], []

    def check_password(self, raw):
        depth[0] += 1
        if depth[0] < 30:
            try:
                sign_in(user.username, "wrong")
            except (NotAuthenticated, RateLimited) as refused:
                outcomes.append(type(refused))
        return False

    monkeypatch.setattr(User, "check_password", check_password)
    with pytest.raises(NotAuthenticated):
        sign_in(user.username, "wrong")
    assert depth[0] <= accounts.ATTEMPTS
    assert RateLimited in outcomes


def test_a_person_that_is_not_there_is_named(people):
    with pytest.raises(NotFound, match="createuser"):
        accounts.find(system("command"), "nobody-of-that-name")
    assert accounts.find(system("command"), people.bob.username.upper()) == people.bob


def test_people_are_looked_up_only_by_who_may_administer(people):
    with pytest.raises(Forbidden):
        accounts.find(make.actor(people.alice), people.bob.username)
    assert accounts.find(make.actor(people.root), people.bob.username) == people.bob

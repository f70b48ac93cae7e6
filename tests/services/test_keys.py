"""API keys: shown once, found by hash, dead from the next call on when revoked or expired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.actor import Actor, system
from registry.errors import Forbidden, InvalidInput, KeyExpired, NameTaken, NotAuthenticated, NotFound
from registry.models import ApiKey, Event, User
from registry.services import keys
from tests import factories as make

pytestmark = pytest.mark.django_db

SECRET = "sr-" + "k" * 43


def test_a_key_authenticates_its_user_and_is_kept_only_as_a_hash(people, bob):
    key, secret = keys.create(bob, user=people.bob, name="laptop")
    assert keys.authenticate(secret).user == people.bob
    assert len(secret) >= 43
    assert secret not in repr(ApiKey.objects.filter(pk=key.pk).values().get())
    assert secret not in repr(list(Event.objects.values()))


def test_a_revoked_key_is_dead_in_the_next_call(people, bob):
    key, secret = keys.create(bob, user=people.bob, name="laptop")
    keys.revoke(bob, key=key)
    with pytest.raises(NotAuthenticated):
        keys.authenticate(secret)
    assert list(keys.of(bob)) == []


def test_revoking_twice_is_one_event(people, bob):
    key, _ = keys.create(bob, user=people.bob, name="laptop")
    keys.revoke(bob, key=key)
    keys.revoke(bob, key=key)
    assert Event.objects.filter(act="key.revoke").count() == 1


def test_a_key_expires_at_its_moment(people, bob):
    at = timezone.now() + timedelta(days=1)
    _, secret = keys.create(bob, user=people.bob, name="laptop", expires_at=at)
    assert keys.authenticate(secret, at=at - timedelta(seconds=1)).user == people.bob
    with pytest.raises(KeyExpired):
        keys.authenticate(secret, at=at)
    with pytest.raises(InvalidInput):
        keys.create(bob, user=people.bob, name="late", expires_at=timezone.now())


@pytest.mark.parametrize(
    ("ended", "said"),
    [({"revoked_at": timezone.now()}, "revoked"), ({"expires_at": timezone.now()}, "expired")],
)
def test_a_script_is_told_that_its_key_has_ended(people, ended, said):
    key = keys.ensure(system(), user=people.bob, name="robot", secret=SECRET)
    assert keys.ensure(system(), user=people.bob, name="robot", secret=SECRET) == key
    ApiKey.objects.filter(pk=key.pk).update(**ended)
    with pytest.raises(NameTaken, match=said):
        keys.ensure(system(), user=people.bob, name="robot", secret=SECRET)


def test_the_key_of_someone_inactive_is_dead(people, bob):
    _, secret = keys.create(bob, user=people.bob, name="laptop")
    User.objects.filter(pk=people.bob.pk).update(is_active=False)
    with pytest.raises(NotAuthenticated):
        keys.authenticate(secret)


@pytest.mark.parametrize(
    "secret", ["", "sr-", "x" * 300, SECRET, SECRET[:-1] + "\x00", "\x00" * 43, "sr-é\ud800" + "k" * 40]
)
def test_what_is_no_key_is_refused_however_odd(people, bob, secret):
    keys.create(bob, user=people.bob, name="laptop", secret=SECRET[:-1] + "x")
    with pytest.raises(NotAuthenticated):
        keys.authenticate(secret)


@pytest.mark.parametrize("secret", ["short", "k" * 257, "k" * 39 + " k", "k" * 39 + "é", "k" * 39 + "\n"])
def test_a_given_secret_outside_the_rules_is_refused(people, bob, secret):
    with pytest.raises(InvalidInput):
        keys.create(bob, user=people.bob, name="laptop", secret=secret)


def test_a_given_secret_works_and_is_given_once(people, bob):
    keys.create(bob, user=people.bob, name="laptop", secret=SECRET)
    assert keys.authenticate(SECRET).user == people.bob
    with pytest.raises(NameTaken):
        keys.create(make.actor(people.alice), user=people.alice, name="copy", secret=SECRET)


def test_ensuring_a_key_twice_is_one_key(people):
    first = keys.ensure(system("command"), user=people.bob, name="ci", secret=SECRET)
    assert keys.ensure(system("command"), user=people.bob, name="ci", secret=SECRET) == first


def test_keys_with_the_same_beginning_are_told_apart(people, bob):
    other = SECRET[:-1] + "x"
    keys.create(bob, user=people.bob, name="one", secret=SECRET)
    keys.create(make.actor(people.alice), user=people.alice, name="two", secret=other)
    assert (keys.authenticate(SECRET).user, keys.authenticate(other).user) == (people.bob, people.alice)


def test_keys_are_made_and_revoked_by_their_user_or_an_admin(people, alice, bob):
    with pytest.raises(Forbidden):
        keys.create(alice, user=people.bob, name="trojan")
    with pytest.raises(NotAuthenticated):
        keys.create(make.actor(None), user=people.bob, name="trojan")
    key, _ = keys.create(make.actor(people.root), user=people.bob, name="given")
    with pytest.raises(Forbidden):
        keys.revoke(alice, key=key)
    with pytest.raises(NotFound):
        keys.find(alice, key.pk)
    assert keys.find(bob, key.pk) == key
    keys.revoke(make.actor(people.root), key=key)


def test_the_last_use_is_written_once_a_minute_at_the_most(people, bob, django_assert_num_queries):
    _, secret = keys.create(bob, user=people.bob, name="laptop")
    at = timezone.now()
    keys.authenticate(secret, at=at)
    with django_assert_num_queries(1):
        keys.authenticate(secret, at=at + timedelta(seconds=59))
    keys.authenticate(secret, at=at + timedelta(seconds=61))
    assert ApiKey.objects.get().last_used_at == at + timedelta(seconds=61)


def test_a_key_made_with_a_key_does_not_outlive_it(people, bob):
    end = timezone.now() + timedelta(days=1)
    short, _ = keys.create(bob, user=people.bob, name="short", expires_at=end)
    by_key = Actor(user=people.bob, door="api", key=short)
    for later in (None, end + timedelta(seconds=1)):
        with pytest.raises(InvalidInput, match="expires"):
            keys.create(by_key, user=people.bob, name="longer", expires_at=later)
    assert keys.create(by_key, user=people.bob, name="same", expires_at=end)[0].expires_at == end
    lasting, _ = keys.create(bob, user=people.bob, name="lasting")
    keys.create(Actor(user=people.bob, door="api", key=lasting), user=people.bob, name="child")

"""Checks that scripts post on versions in a registry: by whom, under which names, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.actor import Actor
from registry.errors import Forbidden, InvalidInput, InvalidName, NameTaken, NotFound
from registry.models import ApiKey, CheckName, Event, VersionCheck
from registry.services import check_names, keys, links, version_checks, versions
from tests import factories as make
from tests.support.promoting import OPERATOR, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def w():
    return world()


def with_key(user, **given) -> Actor:
    key, _ = keys.create(make.actor(user), user=user, name=make.unique("key"), **given)
    return Actor(user=user, door="api", key=ApiKey.objects.get(pk=key.pk))


def post(who, w, state="success", name="ci/test", **given):
    return version_checks.post(who, membership=w.candidate, name=name, state=state, **given)


def test_a_check_goes_from_pending_to_its_end_under_one_name(w):
    ci = with_key(w.people.bob)
    row, is_new = post(ci, w, "pending", finding="started\n  a minute ago")
    assert (is_new, row.finding, row.finished_at) == (True, "started a minute ago", None)
    again, is_new = post(ci, w, "success", finding="12 of 12", link="https://ci.example/7")
    assert (again.pk, is_new, again.state, again.link) == (row.pk, False, "success", "https://ci.example/7")
    assert again.finished_at is not None
    (shown,) = version_checks.listing(w.bob, membership=w.candidate)
    assert (shown.name, shown.state, shown.finding, shown.by, shown.required) == (
        "ci/test",
        "success",
        "12 of 12",
        w.people.bob.username,
        False,
    )
    told = Event.objects.filter(act="check.post").order_by("id")
    assert [(each.subject, each.before, each.after["state"]) for each in told] == [
        ("ci/test", None, "pending"),
        ("ci/test", {"state": "pending"}, "success"),
    ]


def test_what_failed_stands_first(w):
    for name, state in (("a", "success"), ("b", "pending"), ("c", "failure"), ("d", "error")):
        post(w.bob, w, state, name)
    found = version_checks.listing(w.bob, membership=w.candidate)
    assert [each.name for each in found] == ["c", "d", "b", "a"]


def test_a_name_is_not_posted_under_by_somebody_else(w):
    post(with_key(w.people.bob), w)
    for other in (with_key(w.aiko), make.actor(w.aiko), w.alice):
        with pytest.raises(NameTaken, match=f"posted by {w.people.bob.username}, with the key"):
            post(other, w, "failure")
    assert VersionCheck.objects.get(name="ci/test").state == "success"


def test_nor_by_another_key_of_the_same_person_while_that_key_lives(w):
    first, second = with_key(w.people.bob), with_key(w.people.bob)
    post(first, w)
    for other in (second, w.bob):
        with pytest.raises(NameTaken, match="Post with that key"):
            post(other, w, "failure")
    keys.revoke(make.actor(w.people.bob), key=first.key)
    post(second, w, "failure")
    assert CheckName.objects.get().key_id == second.key.pk
    with pytest.raises(NameTaken):
        post(with_key(w.aiko), w)


def test_an_expired_key_keeps_no_name_from_its_person(w):
    first = with_key(w.people.bob, expires_at=timezone.now() + timedelta(days=1))
    post(first, w)
    ApiKey.objects.filter(pk=first.key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    post(with_key(w.people.bob), w, "failure")


def test_what_was_posted_from_the_browser_goes_on_by_a_key_of_the_same_person(w):
    post(make.actor(w.people.bob), w)
    ci = with_key(w.people.bob)
    post(ci, w, "failure")
    assert CheckName.objects.get().key_id == ci.key.pk


def test_names_are_the_same_in_whatever_case_or_width_and_in_every_version(w):
    post(with_key(w.people.bob), w, name="CI/Test")
    for spelled in ("ci/test", "\uff23\uff29/test"):
        with pytest.raises(NameTaken):
            post(with_key(w.aiko), w, name=spelled)
    with pytest.raises(NameTaken):
        version_checks.post(with_key(w.aiko), membership=w.holder, name="ci/TEST", state="success")


def test_an_admin_gives_a_name_free(w):
    post(with_key(w.people.bob), w)
    with pytest.raises(Forbidden):
        check_names.release(w.bob, project=w.registry, name="ci/test")
    check_names.release(w.alice, project=w.registry, name="CI/test")
    post(with_key(w.aiko), w, "failure")
    assert Event.objects.get(act="check.release").before == {"owner": w.people.bob.username}
    assert check_names.release(w.alice, project=w.registry, name="other") is False
    assert [row.owner for row in check_names.listing(w.bob, project=w.registry, q="CI")] == [w.aiko]
    assert not check_names.listing(w.bob, project=w.registry, q="z")
    with pytest.raises(NotFound):
        check_names.listing(make.actor(w.people.charlie), project=w.registry)


@pytest.mark.parametrize(
    "name", ["strongroom/code", "Strongroom/anything", "\uff53trongroom/card", "strongroom/"]
)
def test_names_of_the_server_are_reserved(w, name):
    with pytest.raises(NameTaken, match="built-in"):
        post(w.bob, w, name=name)


@pytest.mark.parametrize("name", ["", " ci", "ci ", "a" * 129, "a\u202eb", "a\nb", "a\0b"])
def test_odd_names_are_refused(w, name):
    with pytest.raises(InvalidName):
        post(w.bob, w, name=name)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"state": "done"}, "state"),
        ({"finding": "x" * 1001}, "finding"),
        ({"finding": "a\0"}, "finding"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "//ci.example"}, "link"),
        ({"link": "https://"}, "link"),
        ({"link": "https://u:p@ci.example/"}, "link"),
        ({"link": "https://ci.example/a b"}, "link"),
        ({"link": "https://[::1"}, "link"),
        ({"link": "https://ci.example/" + "x" * 2000}, "link"),
        ({"link": "ftp://ci.example/"}, "link"),
    ],
)
def test_what_is_no_result_is_refused(w, given, field):
    with pytest.raises(InvalidInput) as refused:
        post(w.bob, w, **given)
    assert refused.value.details["field"] == field
    assert not CheckName.objects.exists()


def test_only_members_post(w):
    for user, error in ((w.people.vera, Forbidden), (w.nora, Forbidden), (w.people.charlie, NotFound)):
        with pytest.raises(error):
            post(make.actor(user, "api"), w)
    assert not VersionCheck.objects.exists()


def test_checks_are_of_versions_in_a_registry(w):
    source = w.project.collections.get().memberships.first()
    with pytest.raises(InvalidInput, match="link it into one"):
        version_checks.post(w.bob, membership=source, name="ci", state="success")


def test_a_version_that_is_gone_takes_no_result(w):
    membership = w.another()
    source = membership.version.memberships.exclude(pk=membership.pk).get()
    links.unlink(OPERATOR, membership=membership)
    with pytest.raises(NotFound):
        version_checks.post(w.bob, membership=membership, name="ci", state="success")
    assert versions.find(w.bob, source.collection, f"v{source.number}")


def test_a_version_takes_so_many_checks(w, monkeypatch):
    monkeypatch.setattr(version_checks, "MOST", 2)
    post(w.bob, w, name="a")
    post(w.bob, w, name="b")
    with pytest.raises(InvalidInput, match="takes 2 checks"):
        post(w.bob, w, name="c")
    post(w.bob, w, "failure", name="b")


def test_what_is_unlinked_loses_its_checks(w):
    membership = w.another()
    version_checks.post(w.bob, membership=membership, name="ci", state="success")
    links.unlink(OPERATOR, membership=membership)
    assert not VersionCheck.objects.exists()

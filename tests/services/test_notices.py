"""What expires soon is foreseen, shown to those who logged it, and told once by mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as letters
from django.utils import timezone

from registry.models import ExpiryNotice, Version
from registry.services import aliases, mail, notices, retention, teams, versions
from tests import factories as make

pytestmark = pytest.mark.django_db
DAY = 86400


def log(people, project, name="resnet", *, left: float, ttl=90 * DAY, by=None, **more):
    """Log a version that has so many days left."""
    made = make.log(by or people.bob, project, name, **more)
    born = timezone.now() - timedelta(seconds=ttl) + timedelta(days=left)
    Version.objects.filter(pk=made.version_id).update(created_at=born)
    return made


@pytest.fixture
def policy(alice, people):
    retention.set_policy(alice, target=people.team.entity, ttl=90 * DAY)


@pytest.fixture
def server(settings, people):
    settings.EMAIL_HOST = "mail.example.org"
    settings.PUBLIC_URL = "https://strongroom.example.org"
    for user in (people.bob, people.alice):
        user.email = f"{user.username}@example.org"
        user.save()


def foreseen() -> set[int]:
    return set(ExpiryNotice.objects.values_list("version_id", flat=True))


def test_what_expires_within_the_next_days_is_foreseen(people, project, policy, bob):
    soon, own = log(people, project, left=3), log(people, project, "own", left=200)
    versions.edit(bob, membership=own, ttl=90 * DAY + 205 * DAY)
    log(people, project, "later", left=30)
    log(people, project, "kept", left=2, aliases=["prod"])
    assert notices.foresee() == 1
    assert foreseen() == {soon.version_id}
    versions.edit(bob, membership=soon, ttl="never")
    assert notices.foresee() == 0
    assert not foreseen()


def test_no_notices_where_none_are_wanted(people, project, policy, settings, server):
    log(people, project, left=3)
    settings.NOTICE_DAYS = 0
    assert (notices.foresee(), notices.tell()) == (0, 0)


def test_home_and_collection_say_what_expires(people, project, policy, bob, alice):
    rows = [log(people, project, left=left) for left in (5, 3)]
    log(people, project, "hers", left=2, by=people.alice)
    notices.foresee()
    assert [each.membership.number for each in notices.of_person(bob, limit=5)] == [1, 0]
    told = notices.of_collection(alice, collection=rows[0].collection)
    assert told.versions == 2
    # What somebody kept since it was foreseen is no longer said.
    aliases.move(bob, membership=rows[0], name="gold")
    assert [each.membership.number for each in notices.of_person(bob, limit=5)] == [1]
    teams.remove_member(alice, place=people.team, user=people.bob)
    assert notices.of_person(bob, limit=5) == []


def test_who_logged_it_gets_one_letter_that_says_how_to_keep_it(people, project, policy, server):
    log(people, project, left=5)
    log(people, project, "other", left=3)
    log(people, project, "hers", left=2, by=people.alice)
    notices.foresee()
    assert notices.tell() == 2
    assert notices.tell() == 0
    letter = next(each for each in letters.outbox if each.to == [people.bob.email])
    assert letter.subject == "2 versions expire soon"
    assert "other:v0" in letter.body
    assert "set its time to live to never" in letter.body
    assert "https://strongroom.example.org/" in letter.body


def test_each_version_is_told_once_and_a_person_once_a_day(people, project, policy, server):
    start = timezone.now()
    log(people, project, left=5)
    notices.foresee(start)
    assert notices.tell(start) == 1
    log(people, project, "other", left=6)
    for hours, sent in ((1, 0), (20, 0), (24, 1), (25, 0), (72, 0)):
        at = start + timedelta(hours=hours)
        notices.foresee(at)
        assert notices.tell(at) == sent, hours
    assert [letter.subject for letter in letters.outbox] == [
        "resnet:v0 expires soon",
        "other:v0 expires soon",
    ]


def test_a_letter_that_the_server_refuses_is_tried_again(people, project, policy, server, monkeypatch):
    log(people, project, left=5)
    notices.foresee()
    with monkeypatch.context() as broken:
        broken.setattr(mail, "send", lambda *_: False)
        assert notices.tell() == 0
    assert notices.tell() == 1


def test_nobody_is_written_to_who_has_no_address_or_may_not_see_it(people, project, policy, server, alice):
    log(people, project, left=5)
    teams.remove_member(alice, place=people.team, user=people.bob)
    type(people.alice).objects.filter(pk=people.alice.pk).update(email="")
    log(people, project, "hers", left=5, by=people.alice)
    notices.foresee()
    assert notices.tell() == 0
    assert not letters.outbox

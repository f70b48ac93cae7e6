"""The inbox: who is told what of a promotion, until they have seen it; and the letters about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.errors import InvalidQuery, NotAuthenticated
from registry.models import InboxNotice, RegistryMember, User
from registry.services import accounts, inbox, inbox_letters, promotion_comments, promotions, registries
from tests import factories as make
from tests.support.promoting import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def w():
    return world()


def told(user, **given):
    rows = inbox.listing(make.actor(user), **given).order_by("pk")
    return [row.kind for row in rows]


def say(w, promotion, body, user=None):
    return promotion_comments.comment(w.who(user or w.priya), promotion=promotion, body=body)


def test_who_is_asked_is_told_and_the_author_is_told_what_came_of_it(w):
    promotion = w.open(reviewers=[w.aiko.username, w.priya.username])
    assert told(w.aiko) == told(w.priya) == ["asked"]
    assert told(w.people.bob) == []
    w.approve(promotion, w.aiko)
    assert told(w.people.bob) == ["reviewed"]
    promotions.promote(w.alice, promotion=promotion)
    assert "closed" in told(w.aiko)


def test_a_comment_tells_author_and_reviewers_and_not_who_wrote_it(w):
    promotion = w.open(reviewers=[w.aiko.username])
    say(w, promotion, "How was it trained?")
    assert told(w.people.bob) == ["commented"]
    assert told(w.aiko) == ["asked", "commented"]
    assert told(w.priya) == []


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("@{name} look at this", 1),
        ("Have a look, @{NAME}.", 1),
        ("(@{name})", 1),
        ("@{name} and @{name} again", 1),
        ("mail me at me@{name}", 0),
        ("`@{name}`", 0),
        ("```\n@{name}\n```", 0),
        ("```\n@{name}", 0),
        ("@{name}x", 0),
        ("@nobody-of-this-name", 0),
        ("@", 0),
    ],
)
def test_a_name_after_an_at_is_a_mention(w, body, count):
    promotion, name = w.open(), w.priya.username
    say(w, promotion, body.replace("{name}", name).replace("{NAME}", name.upper()), w.aiko)
    assert told(w.priya).count("mentioned") == count


def test_a_mention_is_told_once_and_instead_of_the_comment(w):
    promotion = w.open(reviewers=[w.aiko.username])
    say(w, promotion, f"@{w.aiko.username} @{w.priya.username} please")
    assert told(w.aiko) == ["asked", "mentioned"]
    assert told(w.priya) == []


def test_who_may_not_see_the_registry_is_not_mentioned(w):
    promotion = w.open()
    say(w, promotion, f"@{w.people.charlie.username} what do you think?")
    assert not InboxNotice.objects.filter(user=w.people.charlie).exists()


def test_what_one_may_not_see_any_more_is_gone_from_the_inbox(w):
    w.open(reviewers=[w.aiko.username])
    assert inbox.counts(w.aiko) == inbox.Counts(1, 1)
    RegistryMember.objects.filter(user=w.aiko).delete()
    assert told(w.aiko) == []
    assert inbox.counts(User.objects.get(pk=w.aiko.pk)) == inbox.Counts(0, 0)


def test_who_was_shut_out_is_counted_nothing_and_led_nowhere(w):
    w.open(reviewers=[w.aiko.username])
    assert registries.at_hand(make.actor(w.aiko)) == [w.registry]
    w.aiko.is_active = False
    assert inbox.counts(w.aiko) == inbox.Counts(0, 0)
    assert registries.at_hand(make.actor(w.aiko)) == []


def test_asked_again_it_is_unread_again(w):
    promotion = w.open(reviewers=[w.aiko.username])
    inbox.mark(make.actor(w.aiko))
    assert told(w.aiko, unread=True) == []
    promotions.replace(w.bob, promotion=promotion, membership=w.another())
    assert told(w.aiko, unread=True) == told(w.aiko) == ["asked"]


def test_notices_are_read_and_unread_and_only_ones_own(w):
    promotion = w.open(reviewers=[w.aiko.username, w.priya.username])
    theirs = list(InboxNotice.objects.filter(user=w.priya).values_list("pk", flat=True))
    aiko = make.actor(w.aiko)
    assert inbox.mark(aiko, ids=theirs) == 0
    assert inbox.mark(aiko, ids=[]) == 0
    assert inbox.mark(aiko) == 1
    assert inbox.mark(aiko) == 0
    assert inbox.mark(aiko, seen=False) == 1
    inbox.look(aiko, promotion)
    assert inbox.counts(w.aiko) == inbox.Counts(1, 0)
    assert inbox.counts(w.priya).unread == 1


def test_what_waits_is_what_was_asked_for_and_not_given_in_this_round(w):
    promotion = w.open(reviewers=[w.aiko.username])
    assert inbox.counts(w.aiko).waiting == promotions.waiting_for(w.aiko).count() == 1
    w.approve(promotion, w.aiko)
    assert inbox.counts(w.aiko).waiting == promotions.waiting_for(w.aiko).count() == 0
    promotions.replace(w.bob, promotion=promotion, membership=w.another())
    assert inbox.counts(w.aiko).waiting == promotions.waiting_for(w.aiko).count() == 1
    promotion.refresh_from_db()
    promotions.withdraw(w.bob, promotion=promotion)
    assert inbox.counts(w.aiko).waiting == promotions.waiting_for(w.aiko).count() == 0


def test_counting_is_one_query(w):
    for _ in range(3):
        w.open(reviewers=[w.aiko.username], membership=w.another())
    with CaptureQueriesContext(connection) as seen:
        assert inbox.counts(w.aiko) == inbox.Counts(3, 3)
    assert len(seen) == 1


def test_a_list_is_narrowed_and_somebodys(w):
    promotion = w.open(reviewers=[w.aiko.username])
    say(w, promotion, "Hm.")
    assert told(w.aiko, kind="commented") == ["commented"]
    with pytest.raises(InvalidQuery):
        told(w.aiko, kind="odd")
    for act in (inbox.listing, inbox.mark):
        with pytest.raises(NotAuthenticated):
            act(make.actor(None))


@pytest.fixture
def mailing(settings, w):
    settings.EMAIL_HOST = "mail.example.org"
    settings.PUBLIC_URL = "https://strongroom.example.org"
    for user in (w.aiko, w.priya):
        user.email = f"{user.username}@example.org"
        user.save()


def test_who_was_told_gets_one_letter_and_no_second(w, mailing):
    promotion = w.open(reviewers=[w.aiko.username])
    assert inbox_letters.send() == 1
    assert inbox_letters.send() == 0
    [letter] = mail.outbox
    assert letter.to == [w.aiko.email]
    assert letter.subject == f"Your review is asked for: {promotion.title}"
    assert f"https://strongroom.example.org{promotion.get_absolute_url()}" in letter.body
    say(w, promotion, f"@{w.aiko.username} and?")
    say(w, promotion, f"@{w.aiko.username} hello?")
    assert inbox_letters.send() == 1
    assert mail.outbox[1].subject == "2 things about promotions"


def test_no_letter_goes_to_who_wants_none_has_no_address_or_saw_it(w, mailing):
    accounts.edit_profile(make.actor(w.priya), email=w.priya.email, mails_inbox=False)
    w.open(reviewers=[w.aiko.username, w.priya.username])
    inbox.mark(make.actor(w.aiko))
    assert inbox_letters.send() == 0
    assert mail.outbox == []
    accounts.edit_profile(make.actor(User.objects.get(pk=w.priya.pk)), mails_inbox=True, email=w.priya.email)
    assert inbox_letters.send() == 0


def test_who_may_not_see_it_any_more_gets_no_letter(w, mailing):
    w.open(reviewers=[w.aiko.username])
    RegistryMember.objects.filter(user=w.aiko).delete()
    assert inbox_letters.send() == 0


def test_without_mail_nothing_waits_for_it(w, settings):
    w.open(reviewers=[w.aiko.username])
    assert inbox_letters.send() == 0
    settings.EMAIL_HOST = "mail.example.org"
    assert inbox_letters.send() == 0


def test_a_letter_that_could_not_be_sent_is_tried_again(w, mailing, monkeypatch):
    w.open(reviewers=[w.aiko.username])
    with monkeypatch.context() as down:
        down.setattr(inbox_letters.mail, "send", lambda *given: False)
        assert inbox_letters.send() == 0
    assert inbox_letters.send(timezone.now() + timedelta(minutes=1)) == 1


def test_a_refused_act_tells_nobody(w):
    with pytest.raises(Exception, match="can't be asked"):
        w.open(reviewers=[w.aiko.username, w.nora.username])
    assert not InboxNotice.objects.exists()

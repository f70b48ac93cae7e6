"""The pages of the inbox, its counts in the frame, and home."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.models import InboxNotice, User
from registry.services import promotion_comments
from tests.support.promoting import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def w():
    return world()


@pytest.fixture
def aiko(as_user, w):
    return as_user(w.aiko)


def text(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_empty_inbox_says_what_will_stand_there(aiko):
    assert "Nothing concerns you yet" in text(aiko, "/inbox")
    assert "No promotion waits for you" in text(aiko, "/inbox/reviews")
    assert "You asked for no promotion yet" in text(aiko, "/inbox/mine")
    assert "waiting for your review" not in text(aiko, "/")


def test_what_was_told_stands_there_until_it_is_read(aiko, w):
    promotion = w.open(reviewers=[w.aiko.username], title="Sharper <edges>")
    shown = text(aiko, "/inbox")
    assert "Sharper &lt;edges&gt;" in shown
    assert 'title="Unread">1<' in shown
    assert 'title="Waiting for your review">1<' in shown
    assert promotion.title in [row.title for row in aiko.get("/inbox/reviews").context["pager"].rows]
    assert promotion.get_absolute_url() in text(aiko, "/")
    notice = InboxNotice.objects.get(user=w.aiko)
    answer = aiko.post("/inbox?kind=asked", {"act": "read", "notice": notice.pk})
    assert answer.url == "/inbox?kind=asked"
    assert "Nothing found" in text(aiko, "/inbox?unread=1")
    aiko.post("/inbox", {"act": "unread", "notice": notice.pk})
    assert len(aiko.get("/inbox?unread=1").context["pager"].rows) == 1
    aiko.post("/inbox", {"act": "read-all"})
    assert aiko.get("/inbox").context["counts"].unread == 0


def test_to_open_a_promotion_is_to_have_seen_it(aiko, w):
    promotion = w.open(reviewers=[w.aiko.username])
    text(aiko, promotion.get_absolute_url())
    assert InboxNotice.objects.get(user=w.aiko).seen_at is not None


@pytest.mark.parametrize(
    "sent", [{"act": "read", "notice": "x"}, {"act": "read"}, {"act": "read", "notice": "9" * 30}]
)
def test_a_form_that_names_nothing_changes_nothing(aiko, w, sent):
    w.open(reviewers=[w.aiko.username])
    assert aiko.post("/inbox", sent).status_code == 302
    assert InboxNotice.objects.get(user=w.aiko).seen_at is None


def test_an_act_that_there_is_not_is_refused(aiko):
    assert aiko.post("/inbox", {"act": "burn"}).status_code == 400


def test_what_i_asked_for_stands_apart(as_user, w):
    promotion = w.open()
    [row] = as_user(w.people.bob).get("/inbox/mine").context["pager"].rows
    assert row.pk == promotion.pk


def test_the_list_costs_the_same_for_one_and_for_fifty(aiko, w):
    promotion = w.open(reviewers=[w.aiko.username])

    def count(path):
        aiko.get(path)
        with CaptureQueriesContext(connection) as seen:
            assert aiko.get(path).status_code == 200
        return len(seen)

    few = count("/inbox")
    for n in range(50):
        promotion_comments.comment(w.who(w.priya), promotion=promotion, body=f"@{w.aiko.username} {n}")
    assert count("/inbox") == few
    assert len(aiko.get("/inbox").context["pager"].rows) == 25


def test_letters_are_declined_in_ones_settings(aiko, w):
    assert 'name="mails_inbox" checked' in text(aiko, "/settings")
    aiko.post("/settings", {"act": "profile", "full_name": "Aiko", "default_entity": w.aiko.username})
    assert User.objects.get(pk=w.aiko.pk).mails_inbox is False
    assert 'name="mails_inbox" checked' not in text(aiko, "/settings")

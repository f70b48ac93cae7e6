"""Webhooks over REST."""

from __future__ import annotations

import pytest
from django.utils import timezone

from registry.models import WebhookAttempt, WebhookDelivery
from tests.api.support import refused

GOOD = {"name": "ci", "url": "https://ci.example.org/hooks", "events": ["alias_moved", "version_logged"]}


@pytest.fixture
def path(home):
    return f"{home}/webhooks"


@pytest.fixture
def made(alice, path):
    answer = alice("post", path, GOOD)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_webhook_is_made_listed_changed_and_deleted(alice, path, made):
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["version_logged", "alias_moved"]
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert alice.get(path).json()["results"] == [shown]
    assert alice.get(path, {"q": "zz"}).json()["results"] == []
    one = f"{path}/{made['id']}"
    assert alice.get(one).json() == shown
    changed = alice("patch", one, {"name": "cd", "active": False}).json()
    assert (changed["name"], changed["active"], changed["disabled_why"]) == (
        "cd",
        False,
        "It was switched off.",
    )
    refused(alice("post", f"{one}/ping"), 409, "conflict")
    assert alice("patch", one, {"active": True}).json()["active"] is True
    assert alice("delete", one).status_code == 204
    refused(alice.get(one), 404, "not_found")


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"url": "ftp://example.org/"}, 403, "reference_refused"),
        ({"url": "http://example.org:22/"}, 403, "reference_refused"),
        ({"url": ""}, 400, "invalid_input"),
        ({"events": []}, 400, "invalid_input"),
        ({"events": ["all"]}, 400, "invalid_input"),
        ({"secret": "mine"}, 400, "invalid_input"),
    ],
)
def test_what_no_webhook_can_be_is_refused(alice, path, wrong, status, code):
    refused(alice("post", path, {**GOOD, **wrong}), status, code)


def test_a_name_is_taken_once(alice, path, made):
    refused(alice("post", path, GOOD), 409, "name_taken")


def test_another_secret_is_given(alice, path, made):
    again = alice("post", f"{path}/{made['id']}/secret").json()
    assert set(again) == {"secret"}
    assert again["secret"] != made["secret"]


def test_the_log_tells_what_was_sent_and_answered(alice, path, made):
    one = f"{path}/{made['id']}"
    sent = alice("post", f"{one}/ping")
    assert sent.status_code == 202
    uid = sent.json()["id"]
    row = WebhookDelivery.objects.get()
    WebhookAttempt.objects.create(delivery=row, status=500, answer="no", milliseconds=7)
    [listed] = alice.get(f"{one}/deliveries").json()["results"]
    assert (listed["id"], listed["event"], listed["status"], listed["milliseconds"]) == (uid, "ping", 500, 7)
    assert alice.get(f"{one}/deliveries", {"state": "failed"}).json()["results"] == []
    assert alice.get(f"{one}/deliveries", {"event": "alias_moved"}).json()["results"] == []
    refused(alice.get(f"{one}/deliveries", {"state": "odd"}), 400, "invalid_query")
    whole = alice.get(f"{one}/deliveries/{uid}").json()
    assert whole["tries"][0]["answer"] == "no"
    assert uid in whole["body"]
    refused(alice("post", f"{one}/deliveries/{uid}/redeliver"), 409, "conflict")
    WebhookDelivery.objects.update(state="failed", next_at=None, finished_at=timezone.now())
    assert alice("post", f"{one}/deliveries/{uid}/redeliver").status_code == 204
    refused(alice.get(f"{one}/deliveries/x"), 404, "not_found")

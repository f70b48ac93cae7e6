"""The pages of webhooks: made, changed, tried, looked into, deleted; a secret is shown once."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.models import Webhook, WebhookAttempt, WebhookDelivery
from registry.services import webhook_log, webhooks
from tests import factories

pytestmark = pytest.mark.django_db
GOOD = {
    "name": "deploy",
    "url": "https://ci.example.org/hooks?token=t",
    "events": ["alias_moved", "version_logged"],
}


@pytest.fixture
def client(as_user, sample):
    return as_user(sample.alice)


@pytest.fixture
def path(sample):
    return f"{sample.project.get_absolute_url()}/settings/webhooks"


@pytest.fixture
def made(sample):
    return webhooks.create(
        factories.actor(sample.alice),
        project=sample.project,
        name="ci",
        url=GOOD["url"],
        kinds=["alias_moved"],
    )[0]


def secrets_in(answer):
    return set(re.findall(r"whsec_[\w-]+", answer.content.decode()))


def test_the_settings_lead_to_webhooks_and_an_empty_list_says_what_they_are_for(client, sample, path):
    assert f'href="{path}"' in client.get(f"{sample.project.get_absolute_url()}/settings").content.decode()
    assert "No webhooks yet" in client.get(path).content.decode()


def test_a_webhook_is_made_and_its_secret_shown_once(client, path):
    answer = client.post(path, GOOD)
    assert answer.status_code == 200
    assert len(secrets_in(answer)) == 1
    found = Webhook.objects.get()
    assert (found.name, found.url, found.kinds) == ("deploy", GOOD["url"], ["version_logged", "alias_moved"])
    for place in (path, found.get_absolute_url()):
        assert secrets_in(client.get(place)) == set()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "ftp://example.org/"}, "fetches http and https only"),
        ({"url": ""}, "This is needed"),
        ({"events": []}, "Choose at least one event"),
        ({"events": ["nothing"]}, "This is not offered"),
        ({"name": "ci"}, "has a webhook ci already"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(client, path, made, wrong, said):
    answer = client.post(path, {**GOOD, **wrong})
    assert answer.status_code in (403, 422)
    assert said in answer.content.decode()
    assert Webhook.objects.count() == 1


def test_a_webhook_is_changed_and_switched_off(client, made):
    answer = client.post(made.get_absolute_url(), {**GOOD, "name": "other"}, follow=True)
    assert "The webhook other is saved." in answer.content.decode()
    made.refresh_from_db()
    assert (made.name, made.disabled_why) == ("other", "It was switched off.")
    assert "Switched off" in client.get(made.get_absolute_url()).content.decode()
    client.post(made.get_absolute_url(), {**GOOD, "active": "on"})
    made.refresh_from_db()
    assert made.disabled_at is None


def test_another_secret_is_shown_once(client, made):
    answer = client.post(f"{made.get_absolute_url()}/secret")
    assert len(secrets_in(answer)) == 1
    assert secrets_in(client.get(made.get_absolute_url())) == set()


def test_a_test_is_sent_and_its_log_looked_into(client, made):
    answer = client.post(f"{made.get_absolute_url()}/ping", follow=True)
    assert "A test is on its way" in answer.content.decode()
    sent = WebhookDelivery.objects.get()
    WebhookAttempt.objects.create(delivery=sent, status=500, answer="<script>no</script>", milliseconds=7)
    WebhookDelivery.objects.update(state="failed", finished_at=timezone.now(), next_at=None)
    place = f"{made.get_absolute_url()}/deliveries/{sent.uid}"
    shown = client.get(place).content.decode()
    assert "&lt;script&gt;no&lt;/script&gt;" in shown
    assert str(sent.uid) in shown
    assert "It is sent again" in client.post(place, follow=True).content.decode()
    assert WebhookDelivery.objects.get().state == "waiting"
    assert client.post(place).status_code == 409


def test_the_log_is_narrowed_and_paged_by_the_same_queries(client, sample, made):
    alice = factories.actor(sample.alice)

    def count():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(made.get_absolute_url()).status_code == 200
        return len(seen)

    webhook_log.ping(alice, webhook=made)
    few = count()
    for _ in range(50):
        webhook_log.ping(alice, webhook=made)
    assert count() == few
    found, at = [], ""
    while True:
        pager = client.get(made.get_absolute_url() + at).context["pager"]
        found += [row.pk for row in pager.rows]
        at = pager.older
        if not at:
            break
    assert found == sorted(set(found), reverse=True)
    assert len(found) == 51
    assert client.get(made.get_absolute_url(), {"state": "failed"}).context["pager"].rows == []
    assert "Nothing found" in client.get(made.get_absolute_url(), {"event": "alias_moved"}).content.decode()


def test_a_webhook_is_deleted_after_a_question(client, path, made):
    place = f"{made.get_absolute_url()}/delete"
    assert "Delete the webhook ci?" in client.get(place).content.decode()
    assert client.post(place).url == path
    assert not Webhook.objects.exists()
    assert client.get(place).status_code == 404

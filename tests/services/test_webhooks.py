"""Webhooks: told what happens, once its transaction is done and in its order, until they answer."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from artifacts_site.outbound import Outbound
from registry.errors import Conflict, Forbidden, InvalidInput, NameTaken, NotFound, ReferenceRefused
from registry.models import Event, Webhook, WebhookAttempt, WebhookCursor, WebhookDelivery
from registry.services import (
    aliases,
    project_trash,
    promotions,
    retention,
    webhook_log,
    webhook_secrets,
    webhook_sending,
    webhooks,
)
from tests import factories as make
from tests.outbound.conftest import place
from tests.support import promoting
from tests.support.hooks import Answer, listening
from tests.support.sealing import seal_now

pytestmark = pytest.mark.django_db
ALL = list(webhook_sending.webhook_kinds.KINDS)


@pytest.fixture
def allowed(settings):
    """Let the server reach this machine, as an operator would for a listener of the inside."""

    def allow(*ports: int) -> None:
        settings.OUTBOUND = Outbound(seconds=5, private=tuple(place("127.0.0.1/32", port) for port in ports))

    return allow


@pytest.fixture
def hook(allowed):
    with listening() as heard:
        allowed(heard.port)
        yield heard


@pytest.fixture
def made(alice, project, hook):
    """A webhook of everything, and its secret."""
    return webhooks.create(alice, project=project, name="ci", url=hook.url, kinds=ALL)


def send():
    """Do what the worker does, once what was done so far is committed."""
    seal_now()
    return webhook_sending.run()


def later(monkeypatch, **by):
    at = timezone.now() + timedelta(**by)
    monkeypatch.setattr(timezone, "now", lambda: at)


def check(received, *secrets):
    """Check a signature as a listener does."""
    parts = [part.partition("=") for part in received.headers["Strongroom-Signature"].split(",")]
    seconds = next(value for name, _, value in parts if name == "t")
    given = [value for name, _, value in parts if name == "v1"]
    said = f"{seconds}.".encode() + received.body
    assert given == [hmac.new(one.encode(), said, hashlib.sha256).hexdigest() for one in secrets]
    assert abs(int(seconds) - timezone.now().timestamp()) < 60


def test_what_happens_is_told_in_its_order_and_signed(people, project, bob, hook, made):
    first = make.log(people.bob, project, aliases=["production"])
    aliases.move(bob, membership=first, name="staging")
    aliases.remove(bob, collection=first.collection, name="staging")
    done = send()
    assert (done.made, done.delivered, done.failed) == (4, 4, 0)
    assert hook.kinds() == ["version_logged", "alias_moved", "alias_moved", "alias_moved"]
    for received in hook.received:
        check(received, made[1])
    told = hook.received[0].told
    assert told["version"]["qualified_name"] == first.qualified_name
    assert told["version"]["id"] == first.version.public_id
    assert (told["entity"], told["project"], told["actor"]) == (
        project.entity.name,
        project.name,
        people.bob.username,
    )
    assert [(each.told["alias"], each.told["before"], each.told["after"]) for each in hook.received[1:]] == [
        ("production", None, "v0"),
        ("staging", None, "v0"),
        ("staging", "v0", None),
    ]
    places = [each.told["sequence"] for each in hook.received]
    assert places == sorted(set(places))
    ids = [each.told["id"] for each in hook.received]
    assert ids == [each.headers["Strongroom-Delivery"] for each in hook.received]
    assert len(set(ids)) == 4
    assert hook.received[0].headers["Strongroom-Event"] == "version_logged"
    assert send().delivered == 0


def test_only_what_it_chose_and_what_came_after_it_is_told(people, project, alice, hook):
    make.log(people.bob, project)
    seal_now()
    webhooks.create(alice, project=project, name="ci", url=hook.url, kinds=["alias_moved"])
    make.log(people.bob, project, aliases=["production"])
    make.log(people.bob, make.project(people), aliases=["production"])
    send()
    assert hook.kinds() == ["alias_moved"]


def test_what_was_rolled_back_is_not_told(people, project, hook, made):
    with transaction.atomic():
        make.log(people.bob, project)
        transaction.set_rollback(True)
    send()
    assert hook.received == []


def test_an_expiry_is_told(people, project, hook, made, monkeypatch):
    make.log(people.bob, project, ttl=60)
    later(monkeypatch, minutes=2)
    retention.expire_due()
    send()
    assert hook.kinds() == ["version_logged", "version_expired"]
    assert hook.received[1].told["actor"] == "strongroom"


def test_a_listener_that_fails_is_told_again_with_the_same_id(people, project, hook, made, monkeypatch):
    hook.answers[:] = [Answer(500, b"<b>no</b>\0" + b"x" * 5000), Answer(503, b""), Answer(204, b"")]
    make.log(people.bob, project)
    for minutes in (0, 1, 5):
        send()
        send()
        later(monkeypatch, minutes=minutes + 2)
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts) == ("delivered", 3)
    assert [attempt.status for attempt in row.tries.all()] == [500, 503, 204]
    assert row.tries.first().answer == "<b>no</b>\ufffd" + "x" * 1014
    assert len({each.told["id"] for each in hook.received}) == 1
    assert len({each.body for each in hook.received}) == 1
    assert Webhook.objects.get().failing_since is None


def test_a_listener_that_never_answers_gets_no_more_than_its_time(people, project, hook, made, monkeypatch):
    monkeypatch.setattr(webhook_sending.outbound, "post", _impatient)
    hook.answers[:] = [Answer(wait=30)]
    make.log(people.bob, project)
    assert send().failed == 1
    attempt = WebhookAttempt.objects.get()
    assert attempt.status is None
    assert "did not answer in time" in attempt.error
    assert 400 <= attempt.milliseconds < 5000


def _impatient(url, body, headers, _post=webhook_sending.outbound.post):
    return _post(url, body, headers, seconds=0.5)


def test_a_slow_listener_holds_up_no_other(people, project, alice, hook, made, allowed):
    with listening(Answer(wait=2)) as slow:
        allowed(hook.port, slow.port)
        webhooks.create(alice, project=project, name="a-slow-one", url=slow.url, kinds=ALL)
        for _ in range(5):
            make.log(people.bob, project)
        seal_now()
        noted = []
        webhook_sending.dispatch()
        going, sent = {}, webhook_sending.Sent()
        with webhook_sending.ThreadPoolExecutor(8) as pool:
            while sum(row.webhook.name == "ci" for row in noted) < 5:
                busy = {row.webhook_id for row in going.values()}
                for row in webhook_sending._take(timezone.now(), 8 - len(going), busy):
                    going[pool.submit(webhook_sending._try, row)] = row
                    noted.append(row)
                webhook_sending._note_done(going, sent, seconds=0.5)
        assert sum(row.webhook.name == "a-slow-one" for row in noted) <= 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(people, project, hook, made, status, allowed):
    with listening() as inside:
        hook.answers[:] = [Answer(status, b"", headers={"Location": inside.url})]
        allowed(hook.port, inside.port)
        make.log(people.bob, project)
        assert send().failed == 1
        assert inside.received == []
    attempt = WebhookAttempt.objects.get()
    assert attempt.status == status
    assert "a redirect, which is not followed" in attempt.error


def test_the_inside_is_not_reached_by_a_name(people, project, alice, settings):
    settings.OUTBOUND = Outbound(seconds=5)
    webhooks.create(alice, project=project, name="in", url="http://localhost/", kinds=ALL)
    make.log(people.bob, project)
    assert send().failed == 1
    attempt = WebhookAttempt.objects.get()
    assert attempt.status is None
    assert "STRONGROOM_OUTBOUND_PRIVATE" in attempt.error


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://example.org/", "file:///etc/passwd", "http://user:pw@example.org/", "http://0x7f.1/",
            "http://example.org:22/", "http://example.org\\@127.0.0.1/", "http://exa mple.org/", "h" * 3000,
            "http://127.0.0.1/x", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]/"]
)  # fmt: skip
def test_an_address_that_could_never_be_reached_is_refused_at_once(project, alice, url, settings):
    settings.OUTBOUND = Outbound(seconds=5)
    with pytest.raises((InvalidInput, ReferenceRefused)):
        webhooks.create(alice, project=project, name="ci", url=url, kinds=ALL)


def test_after_the_last_attempt_it_has_failed_and_can_be_sent_again(
    people, project, alice, hook, made, monkeypatch
):
    hook.answers[:] = [Answer(500)]
    make.log(people.bob, project)
    for wait in webhook_sending.WAITS:
        send()
        assert send().failed == 0
        later(monkeypatch, seconds=wait.total_seconds() + 1)
    send()
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.tries.count()) == ("failed", 8, 8)
    hook.answers[:] = [Answer(200)]
    hooked = webhooks.edit(alice, webhook=webhooks.find(alice, project, made[0].pk), active=False)
    with pytest.raises(Conflict, match="Switch it on first"):
        webhook_log.redeliver(alice, delivery=webhook_log.find(alice, hooked, str(row.uid)))
    hooked = webhooks.edit(alice, webhook=hooked, active=True)
    webhook_log.redeliver(alice, delivery=webhook_log.find(alice, hooked, str(row.uid)))
    with pytest.raises(Conflict, match="waits to be sent"):
        webhook_log.redeliver(alice, delivery=webhook_log.find(alice, hooked, str(row.uid)))
    assert send().delivered == 1
    assert hook.received[-1].told["id"] == str(row.uid)


def test_after_long_silence_it_is_switched_off_and_its_maker_told(
    people, project, alice, hook, made, monkeypatch, settings, django_capture_on_commit_callbacks
):
    settings.EMAIL_HOST = "mail.example.org"
    monkeypatch.setattr(webhook_sending.mail, "send_soon", webhook_sending.mail.send)
    people.alice.email = "alice@example.org"
    people.alice.save()
    hook.answers[:] = [Answer(500)]
    make.log(people.bob, project)
    send()
    assert Webhook.objects.get().failing_since is not None
    later(monkeypatch, days=3, minutes=1)
    with django_capture_on_commit_callbacks(execute=True):
        send()
    row = Webhook.objects.get()
    assert row.disabled_at is not None
    assert row.disabled_why == "Nothing arrived for 3 days."
    event = Event.objects.get(act="webhook.disable")
    assert (event.actor_name, event.subject, event.project_id) == ("strongroom", "ci", project.pk)
    [letter] = mail.outbox
    assert (letter.to, letter.subject) == (["alice@example.org"], "The webhook ci was switched off")
    assert hook.url not in letter.body
    project.refresh_from_db()
    assert project.hooked is False
    make.log(people.bob, project)
    assert send().made == 0


def test_a_webhook_that_is_off_is_told_nothing_of_that_time(people, project, alice, hook, made):
    off = webhooks.edit(alice, webhook=made[0], active=False)
    make.log(people.bob, project)
    assert send().made == 0
    with pytest.raises(Conflict):
        webhook_log.ping(alice, webhook=off)
    webhooks.edit(alice, webhook=off, active=True)
    assert send().made == 0
    make.log(people.bob, project)
    send()
    assert hook.kinds() == ["version_logged"]


def test_a_test_is_sent(project, alice, hook, made):
    webhook_log.ping(alice, webhook=made[0])
    send()
    assert hook.kinds() == ["ping"]
    check(hook.received[0], made[1])


def test_another_secret_counts_at_once_and_the_one_before_for_a_day(
    people, project, alice, hook, made, monkeypatch
):
    secret = webhooks.rotate(alice, webhook=made[0])
    assert secret != made[1]
    webhook_log.ping(alice, webhook=made[0])
    send()
    check(hook.received[0], secret, made[1])
    later(monkeypatch, hours=25)
    webhook_log.ping(alice, webhook=made[0])
    send()
    assert hook.received[1].headers["Strongroom-Signature"].count("v1=") == 1


def test_the_secret_is_neither_in_the_database_nor_in_events(project, alice, made, hook):
    secret = made[1].encode()
    kept = json.dumps([list(map(str, row)) for row in Webhook.objects.values_list()])
    assert secret.decode() not in kept
    told = json.dumps(
        list(Event.objects.filter(act__startswith="webhook.").values("before", "after", "subject"))
    )
    assert secret.decode() not in told
    assert "token=secret" not in told
    assert f"127.0.0.1:{hook.port}" in told


def test_changes_are_told_and_hide_what_an_address_may_hold(project, alice, made):
    webhooks.edit(
        alice, webhook=made[0], name="ci2", url="https://ci.example.org/x?token=other", kinds=["alias_moved"]
    )
    event = Event.objects.get(act="webhook.edit")
    assert event.after == {"name": "ci2", "url": "ci.example.org", "kinds": ["alias_moved"]}
    assert webhooks.edit(alice, webhook=made[0]).name == "ci2"
    assert Event.objects.filter(act="webhook.edit").count() == 1


def test_a_deleted_webhook_is_told_nothing_more(people, project, alice, hook, made):
    make.log(people.bob, project)
    seal_now()
    webhook_sending.dispatch()
    webhooks.delete(alice, webhook=made[0])
    assert (WebhookDelivery.objects.count(), send().delivered) == (0, 0)
    with pytest.raises(NotFound):
        webhooks.delete(alice, webhook=made[0])


def test_names_are_one_webhooks_and_there_are_not_too_many(project, alice, made, hook, monkeypatch):
    with pytest.raises(NameTaken):
        webhooks.create(alice, project=project, name="ci", url=hook.url, kinds=ALL)
    second, _ = webhooks.create(alice, project=project, name="cd", url=hook.url, kinds=ALL)
    with pytest.raises(NameTaken):
        webhooks.edit(alice, webhook=second, name="ci")
    monkeypatch.setattr(webhooks, "MOST", 2)
    with pytest.raises(Conflict):
        webhooks.create(alice, project=project, name="third", url=hook.url, kinds=ALL)


@pytest.mark.parametrize("kinds", [[], ["everything"], ["version_logged", "ping"]])
def test_events_are_chosen_from_those_there_are(project, alice, hook, kinds):
    with pytest.raises(InvalidInput):
        webhooks.create(alice, project=project, name="ci", url=hook.url, kinds=kinds)


def test_only_admins_of_the_project_see_and_change_them(people, project, made, hook):
    for user, error in ((people.bob, Forbidden), (people.vera, Forbidden), (people.charlie, NotFound)):
        who = make.actor(user)
        for act in (
            lambda who=who: webhooks.listing(who, project=project),
            lambda who=who: webhooks.find(who, project, made[0].pk),
            lambda who=who: webhooks.create(who, project=project, name="x", url=hook.url, kinds=ALL),
            lambda who=who: webhooks.edit(who, webhook=made[0], name="x"),
            lambda who=who: webhooks.rotate(who, webhook=made[0]),
            lambda who=who: webhooks.delete(who, webhook=made[0]),
            lambda who=who: webhook_log.ping(who, webhook=made[0]),
            lambda who=who: webhook_log.listing(who, webhook=made[0]),
        ):
            with pytest.raises(error):
                act()


def test_two_workers_send_nothing_twice_and_lose_nothing(people, project, made):
    for _ in range(3):
        make.log(people.bob, project)
    seal_now()
    assert webhook_sending.dispatch() == 3
    WebhookCursor.objects.update(position=made[0].since)
    with pytest.raises(Exception, match="delivery_once_per_event|UNIQUE"), transaction.atomic():
        webhook_sending.dispatch()
    at = timezone.now()
    first = webhook_sending._take(at, 8, set())
    assert [row.attempts for row in first] == [1]
    again = webhook_sending._take(at, 8, set())
    assert {row.pk for row in again}.isdisjoint({row.pk for row in first})
    lost = webhook_sending._take(at + timedelta(minutes=3), 8, set())
    assert [row.pk for row in lost] == [first[0].pk]


def test_a_long_history_is_gone_through_in_strides(people, project, hook, made, monkeypatch):
    monkeypatch.setattr(webhook_sending, "_STRIDE", 2)
    for _ in range(4):
        make.log(people.bob, project)
    assert send().delivered == 4
    assert WebhookCursor.objects.get().position == webhooks.last_position()


def test_without_webhooks_nobody_looks_back(people, project):
    make.log(people.bob, project)
    seal_now()
    with CaptureQueriesContext(connection) as seen:
        assert webhook_sending.dispatch() == 0
    assert len(seen) <= 10
    assert WebhookCursor.objects.get().position == webhooks.last_position()


def test_a_project_says_whether_anybody_is_to_be_told(people, project, alice, hook):
    assert project.hooked is False
    made, _ = webhooks.create(alice, project=project, name="ci", url=hook.url, kinds=ALL)
    project.refresh_from_db()
    assert project.hooked is True
    webhooks.delete(alice, webhook=made)
    project.refresh_from_db()
    assert project.hooked is False


def test_what_was_sent_long_ago_is_forgotten(people, project, made, monkeypatch):
    make.log(people.bob, project)
    send()
    later(monkeypatch, days=31)
    send()
    assert WebhookDelivery.objects.count() == 0


def test_the_log_says_what_became_of_each(people, project, alice, hook, made):
    hook.answers[:] = [Answer(500), Answer(200)]
    make.log(people.bob, project, aliases=["a"])
    send()
    rows = list(webhook_log.listing(alice, webhook=made[0]).order_by("pk"))
    assert [(row.kind, row.state, row.last_status) for row in rows] == [
        ("version_logged", "waiting", 500),
        ("alias_moved", "delivered", 200),
    ]
    assert [row.kind for row in webhook_log.listing(alice, webhook=made[0], state="delivered")] == [
        "alias_moved"
    ]
    assert [row.state for row in webhook_log.listing(alice, webhook=made[0], kind="version_logged")] == [
        "waiting"
    ]
    for uid in ("x", str(made[0].pk), "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(NotFound):
            webhook_log.find(alice, made[0], uid)


def test_the_check_of_the_documentation_tells_true_from_false(project, alice, hook, made):
    text = (Path(__file__).resolve().parents[2] / "docs/webhooks.md").read_text()
    [snippet] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    told: dict[str, object] = {}
    exec(snippet, told)  # noqa: S102  # of our own documentation
    check_it = told["is_from_strongroom"]
    webhooks.rotate(alice, webhook=made[0])
    webhook_log.ping(alice, webhook=made[0])
    send()
    body, header = hook.received[0].body, hook.received[0].headers["Strongroom-Signature"]
    assert check_it(body, header, made[1])
    assert not check_it(body + b" ", header, made[1])
    assert not check_it(body, header, "whsec_other")
    old = webhook_secrets.sign(int(timezone.now().timestamp()) - 301, body, [made[1]])
    assert not check_it(body, old, made[1])
    assert all(f"`{kind}`" in text for kind in [*ALL, "ping"])


def test_a_registry_tells_of_links_and_promotions_and_nothing_of_where_versions_come_from(hook):
    w = promoting.world()
    seal_now()
    webhooks.create(w.alice, project=w.registry, name="ci", url=hook.url, kinds=ALL)
    w.another()
    promotion = w.open(title="Sharper")
    w.approve(promotion)
    promotions.promote(w.alice, promotion=promotion)
    send()
    assert hook.kinds() == [
        "version_linked",
        "promotion_opened",
        "promotion_approved",
        "alias_moved",
        "promotion_promoted",
    ]
    assert w.project.name not in b"".join(each.body for each in hook.received).decode()
    linked, opened, approved, moved, promoted = (each.told for each in hook.received)
    assert linked["version"]["name"] == "defects:v2"
    known = [each["promotion"] for each in (opened, approved, moved, promoted)]
    assert known == [{"number": promotion.number}] * 4
    assert (opened["alias"], moved["alias"], promoted["alias"]) == ("production",) * 3
    assert (moved["before"], moved["after"], moved["version"]["name"]) == ("v0", "v1", "defects:v1")


def test_a_project_that_is_purged_takes_its_webhooks_with_it(people, project, alice, made):
    project_trash.delete(alice, project=project)
    project_trash.purge(alice, project=project)
    assert not Webhook.objects.exists()

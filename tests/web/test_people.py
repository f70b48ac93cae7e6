"""My settings, forgotten passwords and invitations, as pages."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from registry.models import TeamMember, User
from registry.services import accounts, collections, events, mail, passwords, projects, teams
from registry.web.templatetags import words
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD, NEW = "correct horse battery", "another horse staple"


@pytest.fixture
def alice(people):
    accounts.put_password(people.alice, PASSWORD)
    return people.alice


def test_what_one_says_of_oneself_is_saved_and_counts(as_user, people, alice):
    client, team = as_user(alice), people.team.entity.name
    form = {"act": "profile", "full_name": "Alice W", "email": "a@example.org", "time_zone": "Asia/Tokyo",
            "default_entity": team}  # fmt: skip
    assert client.post("/settings", form).status_code == 302
    alice.refresh_from_db()
    assert (alice.full_name, alice.time_zone, accounts.default_entity(alice).name) == (
        "Alice W",
        "Asia/Tokyo",
        team,
    )
    me = client.get("/api/v1/me").json()
    assert me["default_entity"] == team
    assert "When, Asia/Tokyo" in client.get(f"/settings/{alice.username}/audit").content.decode()
    teams.remove_member(factories.system("command"), place=people.team, user=people.bob)
    User.objects.filter(pk=people.bob.pk).update(default_entity=people.team.entity)
    people.bob.refresh_from_db()
    assert accounts.default_entity(people.bob) == people.bob.entity


def test_a_form_that_does_not_say_what_it_changes_changes_nothing(as_user, alice):
    assert as_user(alice).post("/settings", {"full_name": "Other"}).status_code == 400
    alice.refresh_from_db()
    assert alice.full_name != "Other"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("email", "nobody"),
        ("default_entity", "somebody"),
        ("full_name", "a\u202eb"),
    ],
)
def test_a_wrong_setting_is_told_beside_its_field(as_user, alice, name, value):
    form = {"act": "profile", "full_name": "", "email": "", "time_zone": "", name: value}
    answer = as_user(alice).post("/settings", form)
    assert answer.status_code == 422
    assert answer.content.decode().count('aria-invalid="true"') == 1


def test_a_time_is_written_in_the_readers_zone():
    at = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert words.moment(at) == "20 Nov 2026, 23:30 UTC"
    with timezone.override("Asia/Tokyo"):
        assert words.moment(at) == "21 Nov 2026, 08:30 JST"
        assert words.clock(at) == "08:30:00"


def test_a_password_is_changed_with_the_old_one_and_other_sessions_end(alice):
    here, there = Client(), Client()
    for client in (here, there):
        client.post("/sign-in", {"username": alice.username, "password": PASSWORD})
    wrong = here.post("/settings", {"act": "password", "old": "no", "password": NEW, "again": NEW})
    assert wrong.status_code == 422
    assert "present password is wrong" in wrong.content.decode()
    short = here.post(
        "/settings", {"act": "password", "old": PASSWORD, "password": "short", "again": "short"}
    )
    assert short.status_code == 422
    assert (
        here.post(
            "/settings", {"act": "password", "old": PASSWORD, "password": NEW, "again": NEW}
        ).status_code
        == 302
    )
    assert here.get("/settings").status_code == 200
    assert there.get("/settings").status_code == 302


def test_a_forgotten_password_is_set_anew_by_a_link_once(client, alice, settings):
    settings.EMAIL_HOST = "mail.example.org"
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    asked = client.post("/sign-in/forgotten", {"email": "ALICE@example.org"})
    unknown = client.post("/sign-in/forgotten", {"email": "nobody@example.org"})
    mail._letters().submit(int).result()
    strip = re.compile(rb'value="[^"]{64}"')
    assert strip.sub(b"", asked.content) == strip.sub(b"", unknown.content)
    [letter] = outbox.outbox
    path = re.search(r"http://testserver(/sign-in/new-password/\S+)", letter.body)[1]
    assert client.get(path).status_code == 200
    assert client.post(path, {"password": NEW, "again": "not that"}).status_code == 422
    assert client.post(path, {"password": NEW, "again": NEW}).status_code == 302
    assert client.get("/settings").status_code == 200
    assert Client().get(path).status_code == 404
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_who_is_not_let_in_gets_no_link(client, alice, settings):
    settings.EMAIL_HOST = "mail.example.org"
    User.objects.filter(pk=alice.pk).update(email="alice@example.org", is_active=False)
    assert client.post("/sign-in/forgotten", {"email": "alice@example.org"}).status_code == 200
    mail._letters().submit(int).result()
    assert outbox.outbox == []


def test_a_link_that_two_follow_at_once_sets_one_password_and_is_told_with_it(alice, monkeypatch):
    uid, token = passwords.link_for(alice, "{}/{}".format).split("/", 1)
    monkeypatch.setattr(events, "record", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        passwords.reset(factories.actor(None), uid=uid, token=token, new=NEW)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_without_mail_one_is_told_whom_to_ask(client):
    assert "Ask its admin" in client.get("/sign-in/forgotten").content.decode()


@pytest.mark.parametrize("path", ["MQ/x-y", "!!/x", "9999999999999999999999/x-y", "\u00fc/x"])
def test_links_that_were_never_sent_lead_nowhere(client, path):
    assert client.get(f"/sign-in/new-password/{path}").status_code == 404


def test_asking_again_and_again_is_slowed(client, settings):
    settings.EMAIL_HOST = "mail.example.org"
    codes = [client.post("/sign-in/forgotten", {"email": "a@example.org"}).status_code for _ in range(12)]
    assert codes[0] == 200
    assert codes[-1] in (422, 429)


def test_an_invitation_is_shown_once_listed_revoked_and_accepted(as_user, people, client):
    teams.add_member(factories.system("command"), place=people.organization, user=people.alice, role="admin")
    admin, team = as_user(people.alice), people.team.entity.name
    shown = admin.post(f"/teams/{team}/invitations", {"role": "member", "email": ""}).content.decode()
    path = re.search(r"http://testserver(/sign-in/join/[\w-]+)", shown)[1]
    listed = admin.get(f"/teams/{team}/members").content.decode()
    assert "who has the link" in listed
    assert path not in listed
    assert "invites you" in client.get(path).content.decode()
    form = {"username": "fresh", "password": PASSWORD, "again": PASSWORD, "full_name": "", "email": ""}
    assert client.post(path, {**form, "username": "a b"}).status_code == 422
    assert client.post(path, form)["Location"] == f"/{team}"
    assert TeamMember.objects.get(user__username="fresh").role == "member"
    assert Client().get(path).status_code == 404
    admin.post(f"/teams/{team}/invitations", {"role": "viewer", "email": "x@example.org"})
    revoke = re.search(
        rf"/teams/{team}/invitations/\d+/revoke", admin.get(f"/teams/{team}/members").content.decode()
    )
    assert admin.post(revoke[0]).status_code == 302
    assert as_user(people.bob).post(f"/teams/{team}/invitations", {"role": "admin"}).status_code == 403


def test_who_is_signed_in_joins_with_one_click(as_user, people):
    admin, team = as_user(people.alice), people.team.entity.name
    shown = admin.post(f"/teams/{team}/invitations", {"role": "viewer"}).content.decode()
    path = re.search(r"/sign-in/join/[\w-]+", shown)[0]
    olga = as_user(people.olga)
    assert f"Join as {people.olga.username}" in olga.get(path).content.decode()
    assert olga.post(path)["Location"] == f"/{team}"


def shown(page: str) -> dict[str, str]:
    return {"seen": html.unescape(re.search(r'name="seen" value="([^"]*)"', page)[1])}


def test_a_page_opened_a_while_ago_undoes_nothing_that_was_set_meanwhile(as_user, people):
    client, project = as_user(people.alice), factories.project(people)
    place = f"{project.get_absolute_url()}/settings"
    project.visibility = "organization"
    project.save(update_fields=["visibility"])
    old = shown(client.get(place).content.decode())
    projects.edit(factories.actor(people.alice), project=project, visibility="private")
    form = {**old, "name": project.name, "description": "New words.\r\nMore.", "visibility": "organization"}
    assert client.post(place, form).status_code == 302
    project.refresh_from_db()
    assert (project.visibility, project.description) == ("private", "New words.\r\nMore.")

    team, place = people.team, f"/settings/{people.team.entity.name}/retention"
    old = shown(client.get(place).content.decode())
    teams.edit_settings(factories.actor(people.alice), team=team, ttl_editors="admins")
    form = {
        **old,
        "kind": "days",
        "days": "9",
        "ttl_editors": "members",
        "inherited_ttl_spares_aliased": "on",
        "act": "review",
    }
    said = client.post(place, form).content.decode()
    form |= {"act": "save", "preview": re.search(r'name="preview" value="([^"]*)"', said)[1]}
    assert client.post(place, form).status_code == 302
    team.refresh_from_db()
    assert team.ttl_editors == "admins"
    assert team.entity.ttl_policy.seconds == 9 * 86400

    made = factories.log(people.alice, project)
    place = f"{made.collection.get_absolute_url()}/settings"
    old = shown(client.get(place).content.decode())
    collections.edit(factories.actor(people.alice), collection=made.collection, tags=["kept"])
    client.post(place, {**old, "name": "renamed", "type": "model", "tags": ""})
    made.collection.refresh_from_db()
    assert made.collection.name == "renamed"
    assert [tag.name for tag in made.collection.tags.all()] == ["kept"]


def test_an_invitation_that_strangers_cannot_follow_says_so_to_both(as_user, people, client):
    members = f"/teams/{people.team.entity.name}"
    page = as_user(people.alice).post(f"{members}/invitations", {"role": "viewer"}).content.decode()
    assert "can join only once its admins have let them in" in page
    path = re.search(r"http://testserver(/sign-in/join/[^<\"]+)", page)[1]
    asked = client.get(path).content.decode()
    assert "takes only people of it" in asked
    assert 'name="password"' not in asked
    page = as_user(people.root).post(f"{members}/invitations", {"role": "viewer"}).content.decode()
    path = re.search(r"http://testserver(/sign-in/join/[^<\"]+)", page)[1]
    assert 'name="password"' in client.get(path).content.decode()

"""Set-up, signing in, signing out, and where one lands."""

from __future__ import annotations

import pytest

from registry.models import User
from registry.services import accounts
from registry.services.accounts import ATTEMPTS, WINDOW_SECONDS

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def alice(people):
    people.alice.set_password(PASSWORD)
    people.alice.save(update_fields=["password"])
    return people.alice


def sign_in(client, user, password=PASSWORD, **more):
    return client.post("/sign-in", {"username": user.username, "password": password, **more})


def test_a_page_asks_to_sign_in_and_leads_back(client, alice):
    asked = client.get("/api-keys?x=1")
    assert asked.status_code == 302
    assert asked["Location"] == "/sign-in?next=%2Fapi-keys%3Fx%3D1"
    assert sign_in(client, alice, next="/api-keys?x=1")["Location"] == "/api-keys?x=1"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "\\evil.example",
        "/\\evil.example",
        "/%09/evil.example".replace("%09", "\t"),
        "https://evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "/\n/evil.example",
        "evil.example",
    ],
)
def test_next_never_leads_away(client, alice, target):
    assert sign_in(client, alice, next=target)["Location"] == "/"


def test_a_wrong_password_is_told_beside_it_and_the_name_is_kept(client, alice):
    answer = sign_in(client, alice, "wrong")
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "The name or the password is wrong." in text
    assert f'value="{alice.username}"' in text
    assert 'value="wrong"' not in text


def test_too_many_attempts_are_refused_even_with_the_right_password(client, alice):
    for _ in range(ATTEMPTS):
        sign_in(client, alice, "wrong")
    answer = sign_in(client, alice)
    assert answer.status_code == 429
    assert answer["Retry-After"] == str(WINDOW_SECONDS)
    assert "Too many failed attempts" in answer.content.decode()


def test_signing_out_ends_the_session_and_needs_a_post(client, alice):
    sign_in(client, alice)
    assert client.get("/sign-out").status_code == 405
    assert client.get("/").status_code == 200
    client.post("/sign-out")
    assert client.get("/").status_code == 302


def test_the_set_up_link_makes_one_admin_and_then_is_gone(client):
    token = accounts.setup_token_for_link()
    assert client.get(f"/setup/{token}").status_code == 200
    given = {"username": "ada", "password": PASSWORD, "again": PASSWORD}
    assert client.post(f"/setup/{token}", given)["Location"] == "/"
    assert User.objects.get(username="ada").is_admin
    assert client.get("/").status_code == 200
    assert client.get(f"/setup/{token}").status_code == 404


def test_set_up_says_what_is_wrong_and_keeps_the_link(client):
    token = accounts.setup_token_for_link()
    answer = client.post(f"/setup/{token}", {"username": "a/b", "password": PASSWORD, "again": "other"})
    assert answer.status_code == 422
    assert "not the password above" in answer.content.decode()
    answer = client.post(f"/setup/{token}", {"username": "a/b", "password": PASSWORD, "again": PASSWORD})
    assert 'id="id_username-error"' in answer.content.decode()
    answer = client.post(f"/setup/{token}", {"username": "ada", "password": "short", "again": "short"})
    assert 'id="id_password-error"' in answer.content.decode()
    assert client.get(f"/setup/{token}").status_code == 200


def test_a_wrong_set_up_link_is_not_there(client):
    accounts.setup_token_for_link()
    assert client.get("/setup/guessed").status_code == 404


def test_a_form_without_its_token_changes_nothing_and_says_so(alice):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/api-keys", {"name": "stolen"})
    assert answer.status_code == 403
    assert "nothing was changed" in answer.content.decode()
    assert not alice.api_keys.exists()

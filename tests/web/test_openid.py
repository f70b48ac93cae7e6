"""Signing in by an OpenID Connect provider that answers over HTTP, as it should and as it should not."""

from __future__ import annotations

import re
import time
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import jwt
import pytest
from django.test import Client

from artifacts_site.environment import OpenID
from registry.models import Identity, User
from tests import factories
from tests.support import openid

pytestmark = pytest.mark.django_db
BEGIN, FINISH = "/sign-in/with/oidc", "/sign-in/with/oidc/callback"
MIRA = {
    "sub": "1",
    "preferred_username": "mira",
    "name": "Mira Lund",
    "email": "mira@example.org",
    "email_verified": True,
}


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def provider(settings):
    made = openid.Provider()
    made.people = {"mira": dict(MIRA)}
    settings.OPENID = OpenID(made.issuer, openid.CLIENT, openid.SECRET, "Example", ("example.org",))
    yield made
    made.stop()


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def leave(client: Client, **fields: str) -> str:
    """Return the address at the provider that the browser is led to."""
    answer = client.post(BEGIN, fields)
    assert answer.status_code == 200, answer.content.decode()
    return unescape(re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', answer.content.decode())[1])


def agree(address: str, who: str = "mira") -> dict[str, str]:
    """Sign in at the provider; return what the browser brings back."""
    opener = build_opener(_Stay)
    opener.addheaders = []
    try:
        opener.open(address, data=urlencode({"who": who}).encode())
    except OSError as answer:
        back = urlsplit(answer.headers["Location"])
    assert back.path == FINISH
    return {name: values[0] for name, values in parse_qs(back.query).items()}


def through(client: Client, who: str = "mira", **fields: str):
    return client.get(FINISH, agree(leave(client, **fields), who))


def refused(answer, status: int, said: str) -> None:
    assert answer.status_code == status
    assert said in unescape(answer.content.decode())


def me(client: Client) -> str | None:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).username if pk else None


def test_nothing_is_offered_where_no_provider_is_set(client, settings):
    settings.OPENID = None
    assert "Sign in with" not in client.get("/sign-in").content.decode()
    assert client.post(BEGIN).status_code == 404
    assert client.get(FINISH).status_code == 404


def test_somebody_of_a_domain_that_is_let_in_gets_an_account_once(client, provider):
    assert "Sign in with Example" in client.get("/sign-in").content.decode()
    session = client.session.session_key
    answer = through(client, next="/settings")
    assert answer["Location"] == "/settings"
    user = User.objects.get(username="mira")
    assert (user.email, user.full_name, user.has_usable_password()) == (
        "mira@example.org",
        "Mira Lund",
        False,
    )
    assert client.session.session_key != session
    again = Client()
    assert through(again)["Location"] == "/"
    assert (me(again), User.objects.filter(username__startswith="mira").count()) == ("mira", 1)
    page = again.get("/settings").content.decode()
    assert "mira@example.org" in page
    refused(
        again.post(f"/settings/identities/{Identity.objects.get().pk}/disconnect"),
        409,
        "Set a password first",
    )


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"email_verified": False}, "Nobody here is connected"),
        ({"email_verified": "true"}, "Nobody here is connected"),
        ({"email": "mira@example.com"}, "Nobody here is connected"),
        ({"email": "mira@example.org.evil.net"}, "Nobody here is connected"),
        ({"email": ""}, "Nobody here is connected"),
        ({"email": ["mira@example.org"]}, "Nobody here is connected"),
        ({"email": "no address"}, "is not an e-mail address"),
    ],
)
def test_others_are_told_whom_to_ask_and_nothing_is_made(client, provider, claims, said):
    provider.people["mira"] |= claims
    answer = through(client)
    assert answer.status_code in (400, 403)
    assert said in unescape(answer.content.decode())
    assert not User.objects.filter(full_name="Mira Lund").exists()
    assert me(client) is None


def test_an_account_is_never_taken_over_by_its_address(client, provider, people):
    User.objects.filter(pk=people.bob.pk).update(email="MIRA@example.org")
    refused(through(client), 409, "connect this identity in Your settings")
    assert me(client) is None


def test_who_has_an_account_connects_it_and_disconnects_it(as_user, client, provider, people):
    bob = as_user(people.bob)
    assert through(bob, process="connect")["Location"] == "/settings"
    through(client)
    assert me(client) == people.bob.username
    refused(through(as_user(people.alice), process="connect"), 409, "Another account is connected")
    people.bob.set_password("something to come back by")
    people.bob.save()
    bob = as_user(people.bob)
    bob.post(f"/settings/identities/{Identity.objects.get().pk}/disconnect")
    assert not Identity.objects.exists()
    assert as_user(people.alice).post("/settings/identities/1/disconnect").status_code == 404


def test_nobody_disconnects_anothers_identity(as_user, provider, people):
    through(as_user(people.bob), process="connect")
    path = f"/settings/identities/{Identity.objects.get().pk}/disconnect"
    assert as_user(people.alice).post(path).status_code == 404
    assert Identity.objects.exists()


def test_who_is_not_let_in_any_more_stays_out(client, provider):
    through(client)
    User.objects.filter(username="mira").update(is_active=False)
    other = Client()
    refused(through(other), 403, "is not let in any more")
    assert me(other) is None


@pytest.mark.parametrize("name", ["mira", "Installation", "!!!", "", "x" * 300, "m i r a", "../mira"])
def test_a_free_name_is_found_for_everybody(client, provider, people, name):
    factories.user("mira")
    provider.people["mira"] |= {"preferred_username": name}
    assert through(client)["Location"] == "/"
    assert me(client) not in (None, "mira")


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_one_comes_back_to_this_site_only(client, provider, target):
    assert through(client, next=target)["Location"] == "/"


def test_an_answer_counts_once_and_only_for_the_browser_that_asked(client, provider):
    brought = agree(leave(client))
    refused(Client().get(FINISH, brought), 401, "was not for this browser")
    refused(client.get(FINISH, {**brought, "state": "x" * 16}), 401, "was not for this browser")
    assert client.get(FINISH, brought).status_code == 302
    client.post("/sign-out")
    refused(client.get(FINISH, brought), 401, "was not for this browser")


def test_who_does_not_agree_is_told_that_nothing_happened(client, provider):
    refused(through(client, ""), 401, "you did not agree")


def forge(key, algorithm):
    return lambda claims: jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "one"})


@pytest.mark.parametrize(
    ("where", "twist"),
    [
        ("claims", lambda said: said | {"aud": "another"}),
        ("claims", lambda said: said | {"iss": "https://evil.example"}),
        ("claims", lambda said: said | {"exp": int(time.time()) - 600}),
        ("claims", lambda said: said | {"sub": "2"}),
        ("userinfo", lambda said: said | {"sub": "2"}),
        ("userinfo", lambda said: {"email": said["email"]}),
        ("sign", forge(openid.OTHER_KEY, "RS256")),
        ("sign", forge("", "none")),
        ("sign", forge("a secret of thirty-two characters", "HS256")),
        ("sign", lambda claims: "no.token.at-all"),
        ("token", lambda said: {"access_token": said["access_token"]}),
        ("token", lambda said: {}),
        ("jwks", lambda said: {"keys": []}),
        ("jwks", lambda said: {}),
        ("back", lambda said: said | {"code": "guessed"}),
    ],
)
def test_what_is_not_true_lets_nobody_in(client, provider, where, twist):
    provider.twist[where] = twist
    refused(through(client), 401, "did not work")
    assert me(client) is None
    assert not User.objects.filter(full_name="Mira Lund").exists()


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"", {}),
        (200, b"<html>", {}),
        (302, b"", {"Location": "http://127.0.0.1:1/"}),
        (200, b"[" + b"1," * 600_000 + b"1]", {}),
    ],
)
@pytest.mark.parametrize("where", ["discovery", "userinfo", "jwks"])
def test_a_provider_that_is_broken_is_named(client, provider, where, answer):
    if where == "discovery":
        provider.twist[where] = lambda _: answer
        refused(client.post(BEGIN), 503, "Example does not answer as it should")
    else:
        brought = agree(leave(client))
        provider.twist[where] = lambda _: answer
        refused(client.get(FINISH, brought), 503, "Example does not answer as it should")


def test_a_document_that_leads_into_the_clear_is_not_followed(client, provider):
    provider.twist["discovery"] = lambda said: said | {"authorization_endpoint": "http://login.example.org/"}
    refused(client.post(BEGIN), 503, "Example does not answer")
    provider.twist["discovery"] = lambda said: said | {"authorization_endpoint": "javascript:alert(1)"}
    refused(client.post(BEGIN), 503, "Example does not answer")


def test_a_provider_that_is_down_is_named(client, provider):
    provider.stop()
    refused(client.post(BEGIN), 503, "Example does not answer as it should")


def test_a_whole_office_signs_in_and_who_never_comes_back_is_asked_to_wait(client, provider):
    for _ in range(12):
        assert through(Client())["Location"] == "/"
    for _ in range(10):
        leave(client)
    answer = client.post(BEGIN)
    assert (answer.status_code, answer["Retry-After"]) == (429, "300")

"""Who asks: keys, sessions with their token and origin, and nobody."""

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from registry.http.middleware import PUBLIC_ROUTES
from registry.models import ApiKey
from registry.services import keys
from tests.api.support import BASE, Api, refused
from tests.factories import actor


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def secret_of(api):
    return api.headers["Authorization"].removeprefix("Bearer ")


def test_a_key_is_taken_as_bearer_and_as_basic_password_with_any_name(alice, nobody):
    for header in (
        f"Bearer {secret_of(alice)}",
        f"bearer {secret_of(alice)}",
        basic("api", secret_of(alice)),
        basic("", secret_of(alice)),
    ):
        response = nobody.get("/me", headers={"Authorization": header})
        assert response.json()["username"] == alice.user.username


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer sr-wrong",
        "Basic",
        "Basic !!!",
        "Basic YWJj",
        basic("alice", ""),
        "Digest x",
        "x" * 9000,
    ],
)
def test_a_wrong_key_is_401_and_never_an_anonymous_visitor(nobody, header):
    refused(nobody.get("/me", headers={"Authorization": header}), 401, "not_authenticated")


def test_a_wrong_key_is_not_saved_by_a_session(people, nobody):
    nobody.client.force_login(people.alice)
    refused(nobody.get("/me", headers={"Authorization": "Bearer sr-wrong"}), 401, "not_authenticated")


def test_a_revoked_key_is_dead_in_the_next_request(alice):
    assert alice.get("/me").status_code == 200
    keys.revoke(actor(alice.user), key=ApiKey.objects.get(user=alice.user))
    refused(alice.get("/me"), 401, "not_authenticated")


def test_an_expired_key_has_its_own_code(alice):
    ApiKey.objects.filter(user=alice.user).update(expires_at=timezone.now() - timedelta(seconds=1))
    refused(alice.get("/me"), 401, "key_expired")


def test_a_key_does_not_expire_at_the_end_of_the_calendar(alice):
    for late in ("9999-12-31T23:59:59-23:59", "3001-01-01T00:00:00Z"):
        refused(alice.post("/me/keys", {"name": "k", "expires_at": late}), 400, "invalid_input")


def test_an_inactive_person_is_nobody(alice):
    type(alice.user).objects.filter(pk=alice.user.pk).update(is_active=False)
    refused(alice.get("/me"), 401, "not_authenticated")


def test_a_session_reads(people, nobody):
    nobody.client.force_login(people.alice)
    assert nobody.get("/me").json()["username"] == people.alice.username


@pytest.fixture
def browser(people):
    """A signed-in browser with a CSRF token, as pages have it."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(people.alice)
    client.cookies["strongroom-csrf"] = "a" * 32
    return client


def send(browser, home, **headers):
    return browser.post(
        f"{BASE}{home}/collections",
        '{"name": "c", "type": "model"}',
        content_type="application/json",
        headers=headers,
    )


def test_a_session_changes_something_only_with_its_token(browser, home):
    refused(send(browser, home), 403, "forbidden")
    refused(send(browser, home, **{"X-CSRFToken": "b" * 32}), 403, "forbidden")
    assert send(browser, home, **{"X-CSRFToken": "a" * 32}).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_changes_nothing_even_with_the_token(browser, home, headers):
    refused(send(browser, home, **{"X-CSRFToken": "a" * 32}, **headers), 403, "forbidden")


def test_our_own_origin_is_fine(browser, home):
    headers = {"X-CSRFToken": "a" * 32, "Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert send(browser, home, **headers).status_code == 201


def test_a_form_of_another_site_can_not_speak_json(browser, home):
    response = browser.post(
        f"{BASE}{home}/collections",
        '{"name": "c", "type": "model"}',
        content_type="text/plain",
        headers={"X-CSRFToken": "a" * 32},
    )
    refused(response, 415, "unsupported_media_type")


def test_a_key_needs_no_csrf_token(alice, home):
    assert alice.post(f"{home}/collections", {"name": "c", "type": "model"}).status_code == 201


def test_every_route_but_the_listed_few_is_closed_to_nobody(nobody):
    """Walks the resolver, so that a route that is added later is closed as well."""
    api = next(p for p in get_resolver().url_patterns if getattr(p, "app_name", "") == "api")
    closed = 0
    for pattern in api.url_patterns:
        path = "/" + str(pattern.pattern)
        for name, converter in pattern.pattern.converters.items():
            kind = type(converter).__name__
            value = {"IntConverter": "1", "UUIDConverter": "0" * 8 + "-0000-4000-8000-" + "0" * 12}.get(
                kind, "x"
            )
            path = path.replace(
                f"<{kind.removesuffix('Converter').lower().replace('string', 'str')}:{name}>", value
            )
        assert "<" not in path
        if f"api:{pattern.name}" in PUBLIC_ROUTES:
            continue
        for method in ("get", "post", "put", "patch", "delete", "head", "options"):
            response = nobody(method, path)
            assert response.status_code == 401, (method, path)
            closed += 1
    assert closed > 250


def test_an_address_that_is_none_is_401_for_nobody_and_404_for_somebody(nobody, alice):
    refused(nobody.get("/nothing/here"), 401, "not_authenticated")
    refused(alice.get("/nothing/here"), 404, "not_found")
    refused(alice.get("/me/"), 404, "not_found")
    refused(alice.get("/uploads/a%0Ab/complete"), 404, "not_found")


def test_a_method_that_an_address_does_not_take_is_405_and_names_those_it_takes(alice):
    response = alice.put("/me", {})
    refused(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD"


def test_a_foreign_host_is_400_with_our_body(alice):
    answer = alice.get("/me", headers={"Host": "evil.example"})
    refused(answer, 400, "invalid_input")
    assert "STRONGROOM_ALLOWED_HOSTS" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/x", "/api/a%0Ab"])
def test_an_address_beside_the_api_is_no_page(client, alice, path):
    answer = client.get(path, headers={"Authorization": f"Bearer {secret_of(alice)}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert client.get(path).status_code == 401


def test_every_answer_has_a_request_id(alice):
    assert len(alice.get("/me")["X-Request-ID"]) == 32
    assert alice.get("/me", headers={"X-Request-ID": "given-by-proxy"})["X-Request-ID"] == "given-by-proxy"
    assert alice.get("/me", headers={"X-Request-ID": "a b\tc"})["X-Request-ID"] != "a b\tc"


def test_no_secret_is_in_a_list_of_keys(alice):
    listed = alice.get("/me/keys").content.decode()
    assert secret_of(alice) not in listed
    assert secret_of(alice)[:11] in listed


def test_the_check_of_a_key_is_one_query(alice, django_assert_num_queries):
    assert alice.get("/me/keys").status_code == 200  # stamps last_used_at, for a minute
    with django_assert_num_queries(2):  # the key; the page
        alice.get("/me/keys")


def test_one_person_never_sees_or_revokes_anothers_keys(alice, charlie):
    theirs = ApiKey.objects.get(user=alice.user)
    assert [row["id"] for row in charlie.get("/me/keys").json()["results"]] != [theirs.pk]
    refused(charlie.delete(f"/me/keys/{theirs.pk}"), 404, "not_found")
    assert alice.get("/me").status_code == 200


def test_a_key_is_made_shown_once_and_works(alice):
    response = alice.post("/me/keys", {"name": "ci", "expires_at": "2999-01-01T00:00:00Z"})
    assert response.status_code == 201
    made = response.json()
    assert made["expires_at"] == "2999-01-01T00:00:00Z"
    other = Api(None, Authorization=f"Bearer {made['key']}")
    assert other.get("/me").json()["username"] == alice.user.username
    assert other.delete(f"/me/keys/{made['id']}").status_code == 204
    refused(other.get("/me"), 401, "not_authenticated")

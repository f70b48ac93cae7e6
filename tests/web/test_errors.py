"""Errors as pages: the right status, a way on, nothing told that should not be."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from registry.web.views import errors


def test_the_500_page_asks_the_database_nothing():
    # Without the database mark, any query would fail this test.
    answer = errors.crashed(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something went wrong at the server" in answer.content.decode()


@pytest.mark.django_db
def test_a_crash_is_a_page_without_its_reason(as_user, sample, monkeypatch):
    monkeypatch.setattr("registry.services.audit.recent", lambda actor: 1 / 0)
    client = as_user(sample.alice)
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 500
    assert "division" not in answer.content.decode()


@pytest.mark.django_db
def test_a_busy_database_is_a_503_that_says_so(as_user, sample, monkeypatch):
    def busy(actor, **filters):
        raise OperationalError("database is locked")

    monkeypatch.setattr("registry.services.audit.recent", busy)
    answer = as_user(sample.alice).get("/")
    assert answer.status_code == 503
    assert "Nothing was changed" in answer.content.decode()
    assert answer["Retry-After"] == "1"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/sign-in", "/setup/token"])
@pytest.mark.parametrize(
    ("reason", "status"), [("database is locked", 503), ("database or disk is full", 507)]
)
def test_pages_before_signing_in_say_that_the_database_is_busy_or_full(
    client, monkeypatch, path, reason, status
):
    def fail(*args, **kwargs):
        raise OperationalError(reason)

    monkeypatch.setattr("registry.services.accounts.authenticate", fail)
    monkeypatch.setattr("registry.services.accounts.check_setup_token", fail)
    answer = client.post(path, {"username": "a", "password": "b"})
    assert answer.status_code == status
    assert "Nothing was changed" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_a_wrong_method_is_a_405_that_names_the_right_ones(as_user, sample):
    answer = as_user(sample.alice).delete(sample.project.get_absolute_url())
    assert answer.status_code == 405
    assert answer["Allow"] == "GET"


@pytest.mark.django_db
def test_htmx_is_sent_to_sign_in_as_a_whole_page(client, sample):
    answer = client.get(sample.newest.get_absolute_url(), headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/sign-in"


@pytest.mark.django_db
def test_a_foreign_host_name_is_told_how_it_is_added(client):
    answer = client.get("/sign-in", HTTP_HOST="192.0.2.7:8000")
    assert answer.status_code == 400
    assert "STRONGROOM_ALLOWED_HOSTS" in answer.content.decode()


@pytest.mark.django_db
def test_a_form_that_is_not_utf8_changes_nothing(as_user, sample):
    path = f"{sample.newest.get_absolute_url()}/edit/names"
    answer = as_user(sample.alice).generic(
        "POST", path, b"act=add-alias&name=%ff%fe", content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 400
    assert "UTF-8" in answer.content.decode()
    assert not sample.newest.aliases.filter(name__contains="\ufffd").exists()

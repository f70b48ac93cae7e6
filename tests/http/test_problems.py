"""Problems: whatever goes wrong, one body, and nothing of our insides in it."""

import errno
import json

import psycopg.errors
import pytest
from django.core import exceptions
from django.db import DataError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as rest
from strongroom.core import errors

from registry.http import problems


def caused(message, cause):
    """As Django raises what a driver raised."""
    error = OperationalError(message)
    error.__cause__ = cause
    return error


def answer(exc):
    response = problems.respond(exc)
    return response, json.loads(response.content)["error"]


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (errors.NotFound("Not there."), 404, "not_found"),
        (errors.HasAliases("It has.", aliases=["a"]), 409, "has_aliases"),
        (Http404("secret/path"), 404, "not_found"),
        (exceptions.ObjectDoesNotExist(), 404, "not_found"),
        (exceptions.PermissionDenied("why"), 403, "forbidden"),
        (exceptions.SuspiciousOperation("odd"), 400, "invalid_input"),
        (exceptions.BadRequest("odd"), 400, "invalid_input"),
        (exceptions.RequestDataTooBig(), 413, "too_large"),
        (exceptions.TooManyFieldsSent(), 413, "too_large"),
        (UnreadablePostError(), 400, "incomplete_body"),
        (rest.ParseError(), 400, "invalid_input"),
        (rest.NotAuthenticated(), 401, "not_authenticated"),
        (rest.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (rest.UnsupportedMediaType("x/y"), 415, "unsupported_media_type"),
        (rest.Throttled(wait=3), 429, "rate_limited"),
        (OSError(errno.ENOSPC, "No space left on device"), 507, "storage_full"),
        (OperationalError("database or disk is full"), 507, "storage_full"),
        (caused("could not extend file", psycopg.errors.DiskFull()), 507, "storage_full"),
        (caused("a connection slot is full", psycopg.errors.TooManyConnections()), 503, "unavailable"),
        (OperationalError("database is locked"), 503, "unavailable"),
        (DataError("integer out of range"), 400, "invalid_input"),
        (ZeroDivisionError("/etc/shadow"), 500, "internal_error"),
    ],
)
def test_every_failure_has_the_one_body(exc, status, code):
    response, body = answer(exc)
    assert response.status_code == status
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == code
    assert body["message"].endswith(".")
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"


def test_broken_json_says_where():
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads('{"a" 1}')
    assert "character 5" in answer(caught.value)[1]["message"]


def test_an_unforeseen_failure_is_logged_and_keeps_its_text_to_us(caplog):
    response, body = answer(ZeroDivisionError("password=hunter2 in /srv/registry/views.py"))
    assert "hunter2" not in response.content.decode()
    assert "views.py" not in response.content.decode()
    assert "hunter2" in caplog.text
    assert "Traceback" not in body["message"]


def test_401_names_a_scheme_that_makes_no_browser_ask_for_a_password():
    response, _ = answer(errors.NotAuthenticated("Sign in."))
    assert response["WWW-Authenticate"] == 'Bearer realm="strongroom"'


def test_a_wait_is_told_to_clients_too():
    response, _ = answer(errors.RateLimited("Wait.", seconds=300))
    assert response["Retry-After"] == "300"


def test_405_names_what_is_allowed():
    response, _ = answer(errors.MethodNotAllowed("No.", allow=["GET", "HEAD"]))
    assert response["Allow"] == "GET, HEAD"


def test_too_many_attempts_say_how_long_to_wait():
    response, told = answer(errors.RateLimited("Too many failed attempts. Wait five minutes.", seconds=300))
    assert (response.status_code, response["Retry-After"], told["code"]) == (429, "300", "rate_limited")

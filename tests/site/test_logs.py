"""Logs: what they must never carry, and what is no news."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import pytest

from artifacts_site import logs


def line(form: str, message: str, *args: object, **extra: object) -> str:
    record = logging.LogRecord("registry.test", logging.WARNING, "file", 1, message, args, None)
    record.__dict__.update(extra)
    return logs.formatter(form).format(record)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer sr_abcd1234_canary",
        "GET /setup/canary",
        "Service Unavailable: /sign-in/join/canary",
        "Service Unavailable: /sign-in/new-password/Mg/dioyio-canary",
        "postgresql://me:canary@host/name",
        "Basic canary==",
    ],
)
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_in_a_sentence_is_blanked(form, text):
    said = line(form, "refused: %s", text)
    assert "refused" in said
    assert "canary" not in said
    assert "[hidden]" in said


@pytest.mark.parametrize("name", ["password", "api_key", "csrf_token", "Cookie", "secret_key"])
def test_a_field_named_like_a_secret_is_blanked(name):
    assert "canary" not in line("json", "signed in", **{name: "canary"})


def test_json_is_one_object_a_line():
    found = json.loads(line("json", "moved %s to %s", "prod", "v3", collection="detector"))
    assert found["event"] == "moved prod to v3"
    assert (found["collection"], found["level"], found["logger"]) == ("detector", "warning", "registry.test")


def test_the_503_of_healthz_is_not_an_accident():
    def record(path: str) -> logging.LogRecord:
        made = logging.LogRecord("django.request", logging.ERROR, "file", 1, "Service Unavailable", (), None)
        made.request = SimpleNamespace(path=path)
        return made

    assert not logs.NoHealth().filter(record("/healthz"))
    assert logs.NoHealth().filter(record("/"))

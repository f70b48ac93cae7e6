"""A client of the REST API for tests: keys instead of sessions, paths instead of addresses."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from registry.models import User
from registry.services import keys
from tests.factories import actor

BASE = "/api/v1"


class Api:
    """Sends what a script would send, as one person."""

    def __init__(self, user: User | None, **headers: str) -> None:
        self.user = user
        self.client = Client(raise_request_exception=False)
        self.headers = dict(headers)
        if user is not None:
            _, secret = keys.create(actor(user), user=user, name="tests")
            self.headers["Authorization"] = f"Bearer {secret}"

    def __call__(self, method: str, path: str, data: Any = None, **more: Any) -> HttpResponse:
        headers = {**self.headers, **more.pop("headers", {})}
        body = {"data": data or b"", "content_type": "application/octet-stream"}
        if isinstance(data, dict | list):
            body = {"data": json.dumps(data), "content_type": "application/json"}
        body |= more
        return getattr(self.client, method.lower())(BASE + path, headers=headers, **body)

    def get(self, path: str, query: dict[str, Any] | None = None, **more: Any) -> HttpResponse:
        headers = {**self.headers, **more.pop("headers", {})}
        return self.client.get(BASE + path, query or {}, headers=headers, **more)

    def post(self, path: str, data: Any = None, **more: Any) -> HttpResponse:
        return self("post", path, data, **more)

    def put(self, path: str, data: Any = None, **more: Any) -> HttpResponse:
        return self("put", path, data, **more)

    def patch(self, path: str, data: Any = None, **more: Any) -> HttpResponse:
        return self("patch", path, data, **more)

    def delete(self, path: str, **more: Any) -> HttpResponse:
        return self("delete", path, **more)


def refused(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Assert the one error body, and return it."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"] == "application/json"
    error = response.json()["error"]
    assert set(error) == {"code", "message", "details"}
    assert error["code"] == code, error
    assert error["message"].endswith("."), error
    return error


def content(response: HttpResponse) -> bytes:
    """Return the bytes of an answer, streamed or not."""
    return b"".join(response.streaming_content) if response.streaming else response.content

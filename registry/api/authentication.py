"""How a REST request proves who sends it: an API key, or a session with its CSRF token and origin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from strongroom.core.errors import Forbidden

from registry.actor import Actor
from registry.http.who import actor_of
from registry.models import User

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class _Check(CsrfViewMiddleware):
    """Django's own check of token, Origin and Referer, answering with its reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`, or HTTP Basic with any user name and the key as password."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Accept a request that carries a key; a browser adds none by itself, so no CSRF check is needed."""
        actor = actor_of(request._request, door="api")
        return (actor.user, actor) if actor.key is not None and actor.user is not None else None

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in `WWW-Authenticate`."""
        return 'Bearer realm="strongroom"'


class BrowserAuthentication(BaseAuthentication):
    """A signed-in browser session; what changes something must come from our own pages."""

    def authenticate(self, request: Request) -> tuple[User, Actor] | None:
        """Accept a session, checked against forgery."""
        actor = actor_of(request._request, door="api")
        if actor.user is None:
            return None
        if request.method not in _SAFE:
            refuse_forged(request._request)
        return actor.user, actor


def refuse_forged(request: HttpRequest) -> None:
    """Raise Forbidden unless our own page sent this: by fetch metadata, by origin, and by token."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("Another site sent this request in your name. Nothing was changed.")
    if "X-CSRFToken" not in request.headers:
        # The header alone counts: reading a form field would read the body, which belongs to the view.
        raise Forbidden("Send the CSRF token of your session as X-CSRFToken, or use an API key.")
    check = _Check(_unused)
    check.process_request(request)
    reason: Any = check.process_view(request, _unused, (), {})
    if reason:
        raise Forbidden(f"{str(reason).rstrip('.')}. Load the page again, then repeat what you did.")


def _unused(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    return HttpResponse()

"""Around every request: an id for the log, a guard before every API route, one error body behind it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from strongroom.core.errors import NotAuthenticated

from registry.http import problems, who
from registry.http.form_files import FormFiles, takes_files

API = "/api/"
# Everything else below /api/ needs somebody signed in, routes that are yet to be written too.
PUBLIC_ROUTES = frozenset({"api:schema", "api:docs", "api:docs-without-slash", "api:download"})

request_id: ContextVar[str] = ContextVar("request_id", default="")
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class KeptForms:
    """Keep the bytes of a form of several parts: once its fields are read, nobody can look at what came any more.

    What is too large, or breaks off, is told by who reads the fields. One form brings files, which go to disk.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.content_type == "multipart/form-data" and not _is_api(request):
            if takes_files(request):
                request.upload_handlers = [FormFiles(request)]
            else:
                with suppress(RequestDataTooBig, UnreadablePostError):
                    _ = request.body
        return self.get_response(request)


class RequestContext:
    """Number the request, deny API routes to strangers, and give the API's failures the one error body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        number = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = number  # type: ignore[attr-defined]
        token = request_id.set(number)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        if _is_api(request) and _is_page_of_an_error(response):
            response = problems.respond(_reason(request, response.status_code), request)
        response["X-Request-ID"] = number
        if request.method == "HEAD":
            # The headers, its length among them, are those of GET; what nobody will see is not even read.
            setattr(response, "streaming_content" if response.streaming else "content", b"")
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Refuse before the view runs; the view's own checks come on top."""
        if not _is_api(request):
            return None
        try:
            actor = who.actor_of(request, door="api")
        except Exception as error:  # noqa: BLE001  # a failure of the guard itself has the one body, too
            return problems.respond(error, request)
        match = request.resolver_match
        if actor.user is not None or (match is not None and match.view_name in PUBLIC_ROUTES):
            return None
        return problems.respond(
            NotAuthenticated("Sign in, or send an API key as `Authorization: Bearer KEY`."), request
        )


def _is_api(request: HttpRequest) -> bool:
    return f"{request.path_info}/".startswith(API)


def _reason(request: HttpRequest, status: int) -> BaseException:
    try:
        request.get_host()
    except DisallowedHost as error:
        return error
    return problems.of_status(status)


def _is_page_of_an_error(response: HttpResponseBase) -> bool:
    """Django's own pages for a bad host, a bad path or a broken form: true, but not our error body."""
    return response.status_code >= 400 and response.get("Content-Type", "").startswith("text/html")

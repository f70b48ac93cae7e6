"""Any exception, as the one error body that every door answers."""

from __future__ import annotations

import errno
import json
import logging
from typing import Any

from django.core import exceptions as django_errors
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException
from strongroom.core import errors

from registry.errors import RegistryError
from registry.storage import StoreError, as_storage_error, is_full

log = logging.getLogger("strongroom.http")

_BY_STATUS: dict[int, tuple[type[RegistryError], str]] = {
    400: (
        errors.InvalidInput,
        "The request is malformed. Read the API reference at /api/v1/docs/ and send it again.",
    ),
    401: (errors.NotAuthenticated, "Sign in, or send an API key as `Authorization: Bearer KEY`."),
    403: (errors.Forbidden, "You may not do this."),
    404: (errors.NotFound, "There is nothing here. Check the address, and that you may see what it names."),
    405: (
        errors.MethodNotAllowed,
        "This address does not take that method; the Allow header lists those it takes.",
    ),
    411: (errors.LengthRequired, "Send a Content-Length, or a chunked body."),
    413: (errors.TooLarge, "The request is too large."),
    415: (errors.UnsupportedMediaType, "This address does not read that content type."),
    416: (errors.RangeNotSatisfiable, "The range lies outside the file."),
    429: (errors.RateLimited, "Too many requests. Wait, then try again."),
    500: (errors.InternalError, "Something went wrong at the server. The operator's log has the details."),
    503: (errors.Unavailable, "The server is busy. Try again in a moment."),
}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def of_status(status: int, message: str = "", **details: Any) -> RegistryError:
    """Make the error that stands for an HTTP status, with its usual sentence."""
    kind, usual = _BY_STATUS.get(status, _BY_STATUS[400 if 400 <= status < 500 else 500])
    return kind(message or usual, **details)


def as_error(exc: BaseException) -> RegistryError:
    """Translate any exception; what nobody foresaw becomes `internal_error`, logged, its text kept to us."""
    if isinstance(exc, RegistryError):
        return exc
    known = _of_framework(exc) or _of_machine(exc)
    if known is not None:
        return known
    log.error("A request failed for a reason nobody foresaw", exc_info=exc)
    return of_status(500)


def _of_framework(exc: BaseException) -> RegistryError | None:
    if isinstance(exc, APIException):
        return of_status(exc.status_code)
    if isinstance(exc, Http404 | django_errors.ObjectDoesNotExist):
        return of_status(404)
    if isinstance(exc, django_errors.PermissionDenied):
        return of_status(403)
    if isinstance(exc, django_errors.RequestDataTooBig | django_errors.TooManyFieldsSent):
        return of_status(413)
    if isinstance(exc, json.JSONDecodeError):
        return errors.InvalidInput(f"The body is not JSON: {exc.msg} at character {exc.pos}.")
    if isinstance(exc, django_errors.DisallowedHost):
        return errors.InvalidInput(
            "This server does not answer to that host name. Whoever runs it adds the name to "
            "STRONGROOM_ALLOWED_HOSTS, or sets STRONGROOM_PUBLIC_URL, and starts it again."
        )
    if isinstance(exc, django_errors.SuspiciousOperation | django_errors.BadRequest):
        return of_status(400)
    if isinstance(exc, UnreadablePostError):
        return errors.IncompleteBody("The body ended early. Send it again.")
    return None


def _of_machine(exc: BaseException) -> RegistryError | None:
    if isinstance(exc, StoreError):
        return as_storage_error(exc)
    if isinstance(exc, OSError) and exc.errno in _FULL:
        return errors.StorageFull(
            "The server's disk is full. Tell the operator, then try again; what was confirmed before is kept."
        )
    if isinstance(exc, OperationalError):
        log.error("The database refused", exc_info=exc)
        if is_full(exc):
            return errors.StorageFull("The server's disk is full. Nothing was changed; tell the operator.")
        return errors.Unavailable(
            "The database is busy. Nothing was changed; try again in a moment.", retry_after=1
        )
    if isinstance(exc, RedisError):
        log.error("The queue's server does not answer", exc_info=exc)
        return errors.Unavailable(
            "A part of the server that this needs is down. Try again in a moment.", retry_after=5
        )
    if isinstance(exc, DataError):
        log.warning("The database refused a value", exc_info=exc)
        return errors.InvalidInput("A value in the request is outside of what the database can hold.")
    return None


def respond(exc: BaseException, request: HttpRequest | None = None) -> HttpResponse:
    """Answer with the error body, its status, and the headers that belong to it."""
    error = as_error(exc)
    body = error.body()
    request_id = getattr(request, "request_id", "")
    if request_id and error.status >= 500:
        body["error"]["details"] = {**error.details, "request_id": request_id}
    response = HttpResponse(
        json.dumps(body, default=str), status=error.status, content_type="application/json"
    )
    response["Cache-Control"] = "no-store"
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="strongroom"'
    ask_to_wait(response, error)
    if isinstance(error, errors.MethodNotAllowed) and "allow" in error.details:
        response["Allow"] = ", ".join(error.details["allow"])
    return response


def ask_to_wait(response: HttpResponse, error: RegistryError) -> None:
    """Say in `Retry-After` how many seconds to wait, where the error knows."""
    wait = error.details.get("retry_after") or error.details.get("seconds")
    if error.status in (429, 503) and wait:
        response["Retry-After"] = str(wait)

"""The exception handler of Django REST framework: ten lines over `registry.http.problems`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from strongroom.core.errors import MethodNotAllowed

from registry.http import problems


def handle(exc: Exception, context: dict[str, Any]) -> HttpResponse:
    """Turn whatever a view raised into the one error body."""
    view, request = context.get("view"), context.get("request")
    error = problems.as_error(exc)
    if isinstance(error, MethodNotAllowed) and view is not None:
        error.details.setdefault("allow", view.allowed_methods)
    return problems.respond(error, getattr(request, "_request", request))

"""`/healthz`, for whoever watches the installation."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from registry.http import health


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when every part is up, else 503; the body says which part is not."""
    parts = health.parts()
    whole = set(parts.values()) == {"up"}
    answer = JsonResponse({"status": "up" if whole else "down", **parts}, status=200 if whole else 503)
    answer["Cache-Control"] = "no-store"
    return answer

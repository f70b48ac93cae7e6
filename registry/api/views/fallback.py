"""Addresses below /api/ that are none."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from strongroom.core.errors import NotFound

from registry.api.base import Endpoint


class Nothing(Endpoint):
    """Answers every other address below /api/v1/ with the one error body."""

    def _refuse(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        raise NotFound("There is no such address in this API; /api/v1/docs/ lists all.")

    get = post = put = patch = delete = _refuse

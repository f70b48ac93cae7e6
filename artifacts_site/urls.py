"""The routes of every door."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

from registry.web.views.health import healthz

DOORS = (("api/v1/", "registry.api.urls"), ("", "registry.web.urls"))
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    *(path(where, include(door)) for where, door in DOORS if find_spec(door)),
]
handler400 = "registry.web.views.errors.bad_request"
handler403 = "registry.web.views.errors.forbidden"
handler404 = "registry.web.views.errors.not_found"
handler500 = "registry.web.views.errors.crashed"

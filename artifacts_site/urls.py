"""The routes of every door."""

from __future__ import annotations

from django.urls import include, path

from registry.api.urls import beside
from registry.web.views.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("api/v1/", include("registry.api.urls")),
    # Not among the pages, which would send a script to sign in.
    path("", include((beside, "api"), namespace="beside-the-api")),
    path("", include("registry.wandb_api.urls")),
    path("", include("registry.web.urls")),
]
handler400 = "registry.web.views.errors.bad_request"
handler403 = "registry.web.views.errors.forbidden"
handler404 = "registry.web.views.errors.not_found"
handler500 = "registry.web.views.errors.crashed"

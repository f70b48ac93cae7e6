"""The addresses that there are with STRONGROOM_DEBUG=1 only."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.test import override_settings
from django.urls import clear_url_caches

import artifacts_site.urls
import registry.web.urls


@contextmanager
def debug_routes() -> Iterator[None]:
    """Read the routes again as a start with STRONGROOM_DEBUG=1 reads them, and afterwards as before."""
    with override_settings(DEBUG=True):
        _read()
        try:
            yield
        finally:
            with override_settings(DEBUG=False):
                _read()


def _read() -> None:
    for module in (registry.web.urls, artifacts_site.urls):
        importlib.reload(module)
    clear_url_caches()

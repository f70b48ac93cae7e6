"""The web application, as an application server calls it."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "artifacts_site.settings")
application = get_wsgi_application()
# Django loads the pages at the first request; loaded here, before the fork, they are in memory once.
_ = get_resolver().url_patterns

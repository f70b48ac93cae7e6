"""The settings of the test run: a data folder of its own, nothing to start, one of the two databases."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Parallel test processes end without clean-up: they work inside the folder of the one that started them.
_parent = os.environ.get("STRONGROOM_TEST_FOLDER")
_data = Path(tempfile.mkdtemp(prefix="strongroom-tests-", dir=_parent))
if _parent is None:
    os.environ["STRONGROOM_TEST_FOLDER"] = str(_data)
    atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["STRONGROOM_DATA"] = str(_data)
os.environ["STRONGROOM_SECRET_KEY"] = "only for tests: " + "0" * 48
# Playwright leaves an event loop in the thread that tests use the ORM from.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
if os.environ.get("STRONGROOM_TEST_DATABASE") == "postgresql" and not os.environ.get("DATABASE_URL"):
    from tests.support.postgres import Cluster

    _cluster = Cluster.start()
    atexit.register(_cluster.stop)
    # Parallel test processes inherit the address, and share the cluster.
    os.environ["DATABASE_URL"] = _cluster.url

from artifacts_site.settings import *  # noqa: E402, F403  # the environment above must stand first
from artifacts_site.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE, OPENID_APPS, STORAGES  # noqa: E402

if os.environ.get("STRONGROOM_TEST_DATABASE") == "postgresql":
    # Each test thread's connection ends with it; a pool would keep the test database busy.
    DATABASES["default"]["OPTIONS"].pop("pool")
else:
    # A file, for live servers, threads and processes must see what the test sees.
    DATABASES["default"]["TEST"] = {"NAME": str(_data / "test.sqlite3")}
    # Tables are emptied between tests past the guards that make events append-only.
    DATABASES["default"]["ENGINE"] = "tests.support.sqlite"
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True
# The routes are there; a test that wants a provider says which.
INSTALLED_APPS += OPENID_APPS
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]

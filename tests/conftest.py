"""What every test of the server gets: a database with its guards and its index of words."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection

from registry.models import chain, guards, words
from tests.support.bucket_settings import anywhere, kept_in  # noqa: F401  # fixtures are found here by name

# Fixtures and the hook are found here by name.
from tests.support.fixtures import (  # noqa: F401
    _azure_server,
    _gcs_server,
    _s3_server,
    azure_store,
    gcs_store,
    live_installation,
    postgres_cluster,
    pytest_collection_modifyitems,
    pytest_runtest_makereport,
    redis_server,
    s3_store,
    versioned_s3_store,
)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Set the guards and the chain, and make the index of words, where tables were made without migrations."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        guards.apply(cursor, connection.vendor)
        chain.apply(cursor, connection.vendor)
        words.create(cursor, connection.vendor)


@pytest.fixture(autouse=True)
def _empty_cache():
    """Forget what another test's rows left in the cache: after a rollback the same ids come again."""
    cache.clear()

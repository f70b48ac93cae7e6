"""What every test of the server gets: a database with its guards."""

from __future__ import annotations

import pytest
from django.db import connection

from registry.models import guards


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Set the guards where tables were made without migrations."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        guards.apply(cursor, connection.vendor)

"""What tests share: a database with its guards, one running installation, one PostgreSQL cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from registry.models import guards
from tests.support.installation import Installation
from tests.support.postgres import Cluster


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Set the guards where tables were made without migrations."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        guards.apply(cursor, connection.vendor)


@pytest.fixture(scope="session")
def live_installation() -> Iterator[Installation]:
    """An installation that runs for as long as the tests: for those that leave it as it was."""
    installation = Installation.in_new_folder()
    try:
        yield installation.start()
    finally:
        installation.remove()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL cluster, whatever database the tests themselves use."""
    cluster = Cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()

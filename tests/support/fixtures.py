"""Servers for tests, and which tests run on the second database; tests/conftest.py hands them out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry import queue
from tests.support import stores
from tests.support.installation import Installation
from tests.support.postgres import Cluster
from tests.support.redis import redis_server as start_redis

DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL run what touches the database; the rest says the same on SQLite."""
    for item in items:
        if "live_installation" in getattr(item, "fixturenames", ()):
            # One process starts and shares the installation, however many run the tests.
            item.add_marker(pytest.mark.xdist_group("installation"))
    if os.environ.get("STRONGROOM_TEST_DATABASE") != "postgresql":
        return
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        (kept if _is_for_database(item) else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def _is_for_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("installation") or item.get_closest_marker("browser"):
        return False
    asked = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(DATABASE_FIXTURES & asked)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show, under a failure, what the installation that the test ran against said last."""
    report = yield
    installation = getattr(item, "funcargs", {}).get("live_installation")
    if report.failed and installation is not None:
        report.sections.append(("The installation said", installation.log.read_text()[-6000:]))
    return report


@pytest.fixture(scope="session")
def live_installation() -> Iterator[Installation]:
    """The whole installation as `make run` starts it; has `url`, `manage(...)` and `make_key(user)`."""
    installation = Installation.in_new_folder()
    try:
        yield installation.start()
    finally:
        installation.remove()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A private PostgreSQL; `create_database(name)` returns the DATABASE_URL of a new one."""
    cluster = Cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def redis_server(settings) -> Iterator[str]:
    """A real Redis that the settings point to."""
    # Not pytest's own folder: a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="sr-") as folder, start_redis(Path(folder)) as address:
        settings.REDIS_URL = address
        queue.client.cache_clear()
        yield address
        queue.client().close()
        queue.client.cache_clear()


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[str]:
    with stores.s3_server() as address:
        yield address


@pytest.fixture(scope="session")
def _gcs_server() -> Iterator[str]:
    with stores.gcs_server() as address:
        yield address


@pytest.fixture(scope="session")
def _azure_server() -> Iterator[str]:
    with stores.azure_server() as address:
        yield address


@pytest.fixture
def s3_store(_s3_server: str) -> stores.Store:
    """A new, empty bucket of S3."""
    return stores.s3_store(_s3_server)


@pytest.fixture
def versioned_s3_store(_s3_server: str) -> stores.Store:
    """A new, empty bucket of S3 that keeps versions."""
    return stores.s3_store(_s3_server, versioned=True)


@pytest.fixture
def gcs_store(_gcs_server: str) -> stores.Store:
    """A new, empty bucket of Google Cloud Storage."""
    return stores.gcs_store(_gcs_server)


@pytest.fixture
def azure_store(_azure_server: str) -> stores.Store:
    """A new, empty container of Azure Blob Storage."""
    return stores.azure_store(_azure_server)

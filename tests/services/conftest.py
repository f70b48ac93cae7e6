"""The people and the project that the tests of services share."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests import factories as make
from tests.services.drift_site import logged, sent, site  # noqa: F401  # fixtures are found here by name
from tests.services.far_stores import draft, stores  # noqa: F401  # likewise


@pytest.fixture(autouse=True)
def _empty_cache():
    """Rate limits and remembered downloads of one test are none of the next one's."""
    cache.clear()


@pytest.fixture
def people():
    return make.people()


@pytest.fixture
def project(people):
    return make.project(people)


@pytest.fixture
def alice(people):
    return make.actor(people.alice)


@pytest.fixture
def bob(people):
    return make.actor(people.bob, "api")


@pytest.fixture
def charlie(people):
    return make.actor(people.charlie)

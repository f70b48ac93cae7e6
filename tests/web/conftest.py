"""Clients that are signed in, and a small team with real versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from registry.models import User
from tests import factories
from tests.web import sample as samples


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    """Failed sign-ins are counted there, for every test of this address."""
    cache.clear()


@pytest.fixture
def sample(db) -> samples.Sample:
    return samples.make(3)


@pytest.fixture
def people(db) -> factories.People:
    return factories.people()


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    def make(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make

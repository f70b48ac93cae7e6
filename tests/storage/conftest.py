"""A store of its own for each test, and an entity that owns the bytes."""

from __future__ import annotations

import pytest

from registry.models import Entity
from registry.storage import uploads


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    """Put the blobs and the unfinished files below the test's own folder."""
    settings.INCOMING_DIR = tmp_path / "incoming"
    settings.STORAGES = {
        **settings.STORAGES,
        "blobs": {
            "BACKEND": "registry.storage.backends.local.LocalBlobStorage",
            "OPTIONS": {"location": tmp_path / "blobs"},
        },
    }
    return tmp_path


@pytest.fixture
def in_memory(settings):
    """Put the blobs into a storage of which only Django's interface is known."""
    settings.STORAGES = {
        **settings.STORAGES,
        "blobs": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


@pytest.fixture
def scope(db):
    return Entity.objects.create(name="acme", folded="acme", kind="team")


@pytest.fixture
def other_scope(db):
    return Entity.objects.create(name="other", folded="other", kind="team")


@pytest.fixture
def forgetful():
    """Call it, and this process has lost what it hashed so far, like one that was started anew."""
    return uploads.states._states.clear

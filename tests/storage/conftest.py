"""A store of its own for each test, and an entity that owns the bytes."""

from __future__ import annotations

import pytest

from artifacts_site import buckets
from registry.models import Entity
from registry.storage import uploads
from tests.support.bucket_settings import environment


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
def kept_in(settings, monkeypatch, data_dir):
    """Call it with a kind and a store: blobs lie there then, as the environment of an operator would have it."""

    def use(kind, store, *, other=False, **more):
        name = buckets.OTHER if other else buckets.BLOBS
        for variable, value in {**environment(kind, store, name), **more}.items():
            monkeypatch.setenv(variable, value)
        read = buckets.other_blobs if other else buckets.blobs
        described = read(data_dir / "blobs")
        settings.STORAGES = {**settings.STORAGES, "other_blobs" if other else "blobs": described}

    return use


@pytest.fixture(params=["s3", "gcs", "azure"])
def anywhere(request, kept_in):
    """Run the test three times, with the blobs in each kind of store; the kind is the value."""
    kept_in(request.param, request.getfixturevalue(f"{request.param}_store"))
    return request.param


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

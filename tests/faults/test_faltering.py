"""A sample of the uploads to a faltering storage that `make faults` makes a thousand of."""

from __future__ import annotations

import pytest

from registry import storage
from registry.errors import RegistryError
from registry.models import Blob
from registry.storage import objects
from registry.storage.blobs import open_blob
from tests.faults import faltering, store

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.INCOMING_DIR = tmp_path / "incoming"
    local = {
        "BACKEND": "registry.storage.backends.local.LocalBlobStorage",
        "OPTIONS": {"location": tmp_path / "blobs"},
    }
    settings.STORAGES = {**settings.STORAGES, "blobs": local}


@pytest.mark.parametrize("kind", ["local", "s3", "gcs", "azure"])
def test_each_upload_is_committed_and_right_or_cleanly_refused(kind, kept_in, request):
    if kind != "local":
        kept_in(kind, request.getfixturevalue(f"{kind}_store"))
    found = faltering.measure(60 if kind == "local" else 20, seed=5)
    assert found.faults == []
    assert found.committed > 10
    assert sum(found.refused.values()) > 0
    assert found.committed + sum(found.refused.values()) == (60 if kind == "local" else 20)


def test_no_wrong_byte_is_read_from_a_storage_that_falters(kept_in, s3_store):
    import random

    kept_in("s3", s3_store)
    scope, dice = store.make_scope(), random.Random(3)
    for act in (store.send_bundle, store.send_bundle, store.send_upload):
        act(scope, dice)
    rows = list(Blob.objects.select_related("object"))
    wrong = 0
    with faltering.faltering(seed=7, rate=0.3) as between:
        for row in rows:
            try:
                with open_blob(row) as opened:
                    data = opened.read()
            except (RegistryError, OSError):
                continue
            wrong += store.hashlib.sha256(data).digest() != bytes(row.sha256)
    assert wrong == 0
    assert sum(between.count.values()) > 5
    # What was marked in vain is right at the next look.
    assert all(storage.verify_blob(row) for row in rows)


def test_a_store_that_keeps_half_would_be_noticed(monkeypatch):
    """Without the look at what was kept, the sample above would fail."""

    def trusting(path, name, size, *, keep=False):
        objects.backends.current().adopt(path, name, keep=keep)

    monkeypatch.setattr(objects, "adopt", trusting)
    assert faltering.measure(40, seed=5).faults

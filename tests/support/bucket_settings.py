"""The variables that let Strongroom keep its blobs in a store of tests, and fixtures that set them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest

from artifacts_site import buckets
from tests.support.google_key import google_key
from tests.support.stores import Store


def environment(kind: str, store: Store, name: str = "STRONGROOM_BLOBS", prefix: str = "") -> dict[str, str]:
    """Return what an operator would set."""
    found = {name: kind, f"{name}_BUCKET": store.bucket, f"{name}_PREFIX": prefix, **store.environment}
    if kind == "s3":
        found[f"{name}_ADDRESSING"] = "path"
    if kind == "gcs":
        found["GOOGLE_APPLICATION_CREDENTIALS"] = _key_file()
    return found


@cache
def _key_file() -> str:
    file = Path(tempfile.mkdtemp(prefix="google-")) / "key.json"
    file.write_text(google_key())
    return str(file)


@pytest.fixture
def kept_in(settings, monkeypatch, tmp_path):
    """Call it with a kind and a store: blobs lie there then, as the environment of an operator would have it."""

    def use(kind, store, *, other=False, **more):
        name = buckets.OTHER if other else buckets.BLOBS
        for key in buckets.SETTINGS:
            monkeypatch.delenv(f"{name}_{key}", raising=False)
        for variable, value in {**environment(kind, store, name), **more}.items():
            monkeypatch.setenv(variable, value)
        read = buckets.other_blobs if other else buckets.blobs
        described = read(tmp_path / "blobs")
        settings.STORAGES = {**settings.STORAGES, "other_blobs" if other else "blobs": described}

    return use


@pytest.fixture(params=["s3", "gcs", "azure"])
def anywhere(request, kept_in):
    """Run the test three times, with the blobs in each kind of store; the kind is the value."""
    kept_in(request.param, request.getfixturevalue(f"{request.param}_store"))
    return request.param

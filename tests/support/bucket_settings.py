"""The variables that let Strongroom keep its blobs in a store of tests."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

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

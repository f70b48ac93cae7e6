"""References to each kind of bucket, from the listing to the download, with a running installation between."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from strongroom import Api, Artifact
from strongroom.errors import ReferenceChanged, ReferenceMissing

from tests.support.stores import AZURE_ACCOUNT, Store

LARGE = os.urandom(3 << 20)


@dataclass
class Bucket:
    """A bucket, whatever it is of."""

    store: Store
    uri: str

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        client: Any = self.store.client
        if self.uri.startswith("s3:"):
            client.put_object(
                Bucket=self.store.bucket, Key=key, Body=data, ContentType="application/octet-stream"
            )
        elif self.uri.startswith("gs:"):
            client.bucket(self.store.bucket).blob(key).upload_from_string(data)
        else:
            client.get_container_client(self.store.bucket).upload_blob(key, data, overwrite=True)

    def delete(self, key: str) -> None:
        """Delete an object."""
        client: Any = self.store.client
        if self.uri.startswith("s3:"):
            client.delete_object(Bucket=self.store.bucket, Key=key)
        elif self.uri.startswith("gs:"):
            client.bucket(self.store.bucket).blob(key).delete()
        else:
            client.get_container_client(self.store.bucket).delete_blob(key)


@pytest.fixture(params=["s3", "versioned_s3", "gcs", "azure"])
def bucket(request, monkeypatch) -> Bucket:
    """A bucket of each kind, with its credentials in the environment of who logs and downloads."""
    store: Store = request.getfixturevalue(f"{request.param}_store")
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    base = {"gcs": "gs://", "azure": f"https://{AZURE_ACCOUNT}.blob.core.windows.net/"}
    return Bucket(store, base.get(request.param, "s3://") + store.bucket)


def files(root: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(one.relative_to(root)): one.read_bytes() for one in sorted(root.rglob("*")) if one.is_file()}


def test_a_prefix_is_logged_downloaded_and_compared(run, bucket, home):
    contents = {"a.txt": b"hello", "d/large.bin": LARGE, "d/empty": b""}
    for path, data in contents.items():
        bucket.put(f"data/{path}", data)
    artifact = Artifact("data", "dataset")
    assert len(artifact.add_reference(f"{bucket.uri}/data")) == 3
    run.log_artifact(artifact)
    logged = Api().artifact("data:v0")
    assert files(Path(logged.download(home / "out", skip_cache=True))) == contents
    again = Artifact("data", "dataset")
    again.add_reference(f"{bucket.uri}/data")
    assert run.log_artifact(again).version == "v0"

    bucket.put("data/a.txt", b"other")
    if "versionID" in logged.get_entry("a.txt").extra and bucket.uri.startswith("s3:"):
        assert files(Path(logged.download(home / "kept", skip_cache=True))) == contents
        bucket.delete("data/a.txt")
        assert files(Path(logged.download(home / "deleted", skip_cache=True))) == contents
        return
    with pytest.raises(ReferenceChanged, match=r"a\.txt"):
        logged.download(home / "new", skip_cache=True)
    assert not (home / "new" / "a.txt").exists()
    bucket.delete("data/a.txt")
    with pytest.raises(ReferenceMissing, match=r"a\.txt"):
        logged.download(home / "new", skip_cache=True)
    with pytest.warns(UserWarning, match=r"'a\.txt' was skipped"):
        logged.download(home / "new", skip_cache=True, allow_missing_references=True)
    assert files(home / "new") == {"d/large.bin": LARGE, "d/empty": b""}

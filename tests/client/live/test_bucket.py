"""Large files go to the bucket and come from it without passing the server; where it is out of reach, they pass it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import strongroom
from strongroom.transfer import source

from tests.client.live.proxy import Proxy
from tests.support.installation import Installation
from tests.support.stores import Store

MIB = 1 << 20
SIZE = 70 * MIB
# What a dozen requests and answers weigh, with much to spare.
TALK = 2 * MIB
pytestmark = pytest.mark.xdist_group("bucket")


@pytest.fixture
def bucket(s3_store: Store) -> Iterator[Proxy]:
    """The way that others than the server reach the bucket by."""
    with Proxy(s3_store.endpoint) as proxy:
        yield proxy


@pytest.fixture
def server(s3_store: Store, bucket: Proxy, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """An installation whose blobs are in the bucket, and somebody who works with it."""
    installation = Installation.in_new_folder(
        STRONGROOM_BLOBS="s3",
        STRONGROOM_BLOBS_BUCKET=s3_store.bucket,
        STRONGROOM_BLOBS_REGION="us-east-1",
        STRONGROOM_BLOBS_ENDPOINT=s3_store.endpoint,
        STRONGROOM_BLOBS_PUBLIC_ENDPOINT=bucket.url,
        STRONGROOM_BLOBS_ADDRESSING="path",
        STRONGROOM_BLOBS_KEY_ID="testing",
        STRONGROOM_BLOBS_KEY="testing",
    )
    try:
        installation.start()
        with Proxy(installation.url) as proxy:
            monkeypatch.setenv("STRONGROOM_BASE_URL", proxy.url)
            monkeypatch.setenv("STRONGROOM_API_KEY", installation.make_key("alice", admin=False))
            monkeypatch.setenv("STRONGROOM_PROJECT", "p")
            yield proxy
    finally:
        installation.remove()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    (made / "large.bin").write_bytes(os.urandom(SIZE))
    (made / "small.txt").write_text("small")
    return made


def log(folder: Path) -> strongroom.Artifact:
    artifact = strongroom.Artifact("data", "dataset")
    artifact.add_dir(folder)
    with strongroom.init() as run:
        run.log_artifact(artifact)
    return artifact


def test_bytes_pass_the_server_by(server: Proxy, bucket: Proxy, folder: Path, tmp_path: Path) -> None:
    log(folder)
    assert SIZE <= bucket.up < SIZE + TALK
    assert server.up < TALK
    strongroom.Api().artifact("data").download(tmp_path / "there", skip_cache=True)
    assert (tmp_path / "there/large.bin").read_bytes() == (folder / "large.bin").read_bytes()
    assert SIZE <= bucket.down < SIZE + TALK
    assert server.down < TALK


def test_a_download_goes_on_where_it_broke(
    server: Proxy, bucket: Proxy, folder: Path, tmp_path: Path
) -> None:
    log(folder)
    bucket.down, bucket.cut_down = 0, 40 * MIB
    strongroom.Api().artifact("data").download(tmp_path / "there", skip_cache=True)
    assert (tmp_path / "there/large.bin").read_bytes() == (folder / "large.bin").read_bytes()
    assert bucket.cuts == 1
    assert bucket.down < 1.1 * SIZE


def test_where_the_bucket_is_out_of_reach_the_server_passes_the_bytes_on(
    server: Proxy, bucket: Proxy, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.__exit__()
    with pytest.warns(UserWarning, match="by way of the server"):
        log(folder)
    assert SIZE <= server.up < SIZE + TALK
    strongroom.Api().artifact("data").download(tmp_path / "there", skip_cache=True)
    assert (tmp_path / "there/large.bin").read_bytes() == (folder / "large.bin").read_bytes()
    assert source.ASK_FROM < SIZE <= server.down

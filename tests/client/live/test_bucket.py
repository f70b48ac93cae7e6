"""Large files go to the bucket and come from it without passing the server; where it is out of reach, they pass it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import strongroom
from strongroom.transfer import source

from tests.client.live.proxy import Proxy
from tests.support import stores
from tests.support.installation import Installation
from tests.support.stores import Store

MIB = 1 << 20
SIZE = 70 * MIB
# What a dozen requests and answers weigh, with much to spare.
TALK = 2 * MIB
pytestmark = pytest.mark.xdist_group("bucket")


@pytest.fixture(scope="module")
def store(_s3_server: str) -> Store:
    return stores.s3_store(_s3_server)


@pytest.fixture(scope="module")
def way(store: Store) -> Iterator[Proxy]:
    """The way that others than the server reach the bucket by."""
    with Proxy(store.endpoint) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def installation(store: Store, way: Proxy) -> Iterator[Installation]:
    """An installation whose blobs are in the bucket."""
    installation = Installation.in_new_folder(
        STRONGROOM_BLOBS="s3",
        STRONGROOM_BLOBS_BUCKET=store.bucket,
        STRONGROOM_BLOBS_REGION="us-east-1",
        STRONGROOM_BLOBS_ENDPOINT=store.endpoint,
        STRONGROOM_BLOBS_PUBLIC_ENDPOINT=way.url,
        STRONGROOM_BLOBS_ADDRESSING="path",
        STRONGROOM_BLOBS_KEY_ID="testing",
        STRONGROOM_BLOBS_KEY="testing",
    )
    try:
        yield installation.start()
    finally:
        installation.remove()


@pytest.fixture
def bucket(way: Proxy) -> Proxy:
    """The same way, with nothing counted yet."""
    way.up = way.down = way.cuts = 0
    return way


@pytest.fixture
def server(installation: Installation, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The way to the server, and somebody who works with it."""
    with Proxy(installation.url) as proxy:
        monkeypatch.setenv("STRONGROOM_BASE_URL", proxy.url)
        monkeypatch.setenv("STRONGROOM_API_KEY", installation.make_key("alice", admin=False))
        monkeypatch.setenv("STRONGROOM_PROJECT", f"p-{secrets.token_hex(4)}")
        yield proxy


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
    bucket.__exit__()  # for good: this test is the last
    with pytest.warns(UserWarning, match="by way of the server"):
        log(folder)
    assert SIZE <= server.up < SIZE + TALK
    strongroom.Api().artifact("data").download(tmp_path / "there", skip_cache=True)
    assert (tmp_path / "there/large.bin").read_bytes() == (folder / "large.bin").read_bytes()
    assert source.ASK_FROM < SIZE <= server.down

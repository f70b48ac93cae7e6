"""A whole installation with its blobs in a bucket: logged, browsed, fetched, deleted, collected, checked."""

from __future__ import annotations

import http.cookiejar
import os
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import strongroom

from tests.support import bucket_settings
from tests.support.installation import Installation
from tests.support.stores import Store

MIB = 1 << 20
PASSWORD = "correct horse battery"


@pytest.fixture
def installation(s3_store: Store) -> Iterator[Installation]:
    environment = bucket_settings.environment("s3", s3_store, prefix="rooms")
    made = Installation.in_new_folder(
        **environment, STRONGROOM_PROTECTION_SECONDS="1", STRONGROOM_TRASH_DAYS="0"
    )
    try:
        yield made.start()
    finally:
        made.remove()


@pytest.fixture
def account(installation: Installation, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Somebody with a key and a password, and the environment of their client."""
    installation.manage("createuser", "alice", "--password", PASSWORD)
    monkeypatch.setenv("STRONGROOM_BASE_URL", installation.url)
    monkeypatch.setenv("STRONGROOM_API_KEY", installation.make_key("alice", admin=False))
    monkeypatch.setenv("STRONGROOM_PROJECT", "rooms")
    return "alice"


def browser(url: str) -> urllib.request.OpenerDirector:
    """Return something with cookies that is signed in."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    with opener.open(f"{url}/sign-in") as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())[1]
    form = {"csrfmiddlewaretoken": token, "username": "alice", "password": PASSWORD}
    request = urllib.request.Request(f"{url}/sign-in", urllib.parse.urlencode(form).encode())
    request.add_header("Referer", f"{url}/sign-in")
    with opener.open(request) as page:
        assert "/sign-in" not in page.url
    return opener


def stored(store: Store) -> dict[str, int]:
    """Return what is in the bucket."""
    found = store.client.list_objects_v2(Bucket=store.bucket, Prefix="rooms/")
    return {each["Key"]: each["Size"] for each in found.get("Contents", ())}


@pytest.mark.installation
def test_an_installation_lives_in_a_bucket(installation, account, s3_store, home):
    files = {f"d{n}/f{n}.txt": os.urandom(2000) for n in range(20)} | {"large.bin": os.urandom(20 * MIB + 5)}
    for name, data in files.items():
        path = home / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with strongroom.init() as run:
        made = strongroom.Artifact("data", "dataset")
        made.add_dir(home / "in")
        run.log_artifact(made).wait()
        (home / "in" / "large.bin").write_bytes(b"a small one now")
        second = strongroom.Artifact("data", "dataset")
        second.add_dir(home / "in")
        run.log_artifact(second).wait()
    assert {name.split("/")[1] for name in stored(s3_store)} >= {"packs", "large"}
    assert not any(path.is_file() for path in (installation.data / "blobs").rglob("*"))

    first = strongroom.Api().artifact("data:v0")
    out = Path(first.download(home / "out", skip_cache=True))
    assert {
        path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()
    } == files

    pages = browser(installation.url)
    place = f"{installation.url}/alice/rooms/data/versions"
    with pages.open(first.url if hasattr(first, "url") else f"{place}/v0") as page:
        assert page.status == 200
    address = f"{urllib.parse.urlsplit(page.url).path}".rstrip("/")
    with pages.open(f"{installation.url}{address}/download/large.bin") as page:
        assert page.read() == files["large.bin"]
    ranged = urllib.request.Request(f"{installation.url}{address}/download/large.bin")
    ranged.add_header("Range", "bytes=5000000-5000009")
    with pages.open(ranged) as page:
        assert page.read() == files["large.bin"][5_000_000:5_000_010]

    assert "All is right." in installation.manage("fsck", "--read-data")
    assert "The storage works." in installation.manage("storage", "check")

    before = stored(s3_store)
    first.delete(delete_aliases=True)
    installation.manage("shell", "-c", "from registry.services import trash; print(trash.purge_due())")
    for _ in range(3):
        time.sleep(1.1)
        installation.manage("collectgarbage")
    after = stored(s3_store)
    assert sum(before.values()) - sum(after.values()) > 20 * MIB
    assert not any("/large/" in name for name in after)
    again = Path(strongroom.Api().artifact("data:v1").download(home / "again", skip_cache=True))
    assert (again / "large.bin").read_bytes() == b"a small one now"
    assert "All is right." in installation.manage("fsck", "--read-data")
    assert "Traceback" not in installation.log.read_text()

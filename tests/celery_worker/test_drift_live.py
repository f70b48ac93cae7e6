"""A whole installation looks at references: over its own queue, with its own policy, when somebody asks."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.website import Website, website

pytestmark = pytest.mark.installation
KEY = "k" * 40


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    with website() as running:
        yield running


@pytest.fixture(scope="module")
def installation(site: Website) -> Iterator[Installation]:
    port = site.address.rpartition(":")[2]
    made = Installation.in_new_folder(
        STRONGROOM_OUTBOUND_PRIVATE=f"127.0.0.1:{port}", STRONGROOM_OUTBOUND_PORTS=f"80,443,{port}"
    )
    try:
        made.start()
        made.manage("createuser", "bob", "--password", "correct horse battery")
        made.manage("createapikey", "bob", "--key", KEY)
        yield made
    finally:
        made.remove()


def ask(installation: Installation, method: str, path: str, data: Any = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{installation.url}/api/v1{path}",
        data=None if data is None else json.dumps(data).encode(),
        method=method,
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_check_now_is_done_by_a_worker(installation: Installation, site: Website):
    site.put(a=b"one", b=b"two")
    entries = [site.entry("a"), site.entry("b")]
    site.put(a=b"another")
    del site.files["b"]
    ask(installation, "POST", "/entities/bob/projects", {"name": "p"})
    logged = {"collection": "data", "type": "dataset", "entries": entries}
    ask(installation, "POST", "/projects/bob/p/versions", logged)
    at = "/projects/bob/p/collections/data/versions/v0/drift"
    assert ask(installation, "POST", f"{at}/check")["checking"] is True
    deadline = time.monotonic() + 60
    while (found := ask(installation, "GET", at))["summary"]["checking"] and time.monotonic() < deadline:
        time.sleep(0.2)
    states = {row["path"]: row["state"] for row in found["results"]}
    assert states == {"a": "changed", "b": "missing"}, installation.said()
    made = ask(installation, "POST", f"{at}/log", {"preview": found["summary"]["checked_at"]})
    assert (made["created"], made["version"]["version"], made["version"]["file_count"]) == (True, "v1", 1)
    told = ask(installation, "GET", "/projects/bob/p/events?act=version.drift")["results"]
    assert [event["after"] for event in told] == [{"references": "missing", "changed": 1, "missing": 1}]

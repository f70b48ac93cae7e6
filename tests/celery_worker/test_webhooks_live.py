"""A whole installation tells a listener what happens: its worker is woken, signs, sends, and tries again."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator

import pytest

from tests.celery_worker.test_drift_live import KEY, ask
from tests.support.hooks import Answer, Hook, listening
from tests.support.installation import Installation

pytestmark = pytest.mark.installation


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with listening() as heard:
        yield heard


@pytest.fixture(scope="module")
def installation(hook: Hook) -> Iterator[Installation]:
    made = Installation.in_new_folder(STRONGROOM_OUTBOUND_PRIVATE=f"127.0.0.1:{hook.port}")
    try:
        made.start()
        made.manage("createuser", "bob", "--password", "correct horse battery")
        made.manage("createapikey", "bob", "--key", KEY)
        yield made
    finally:
        made.remove()


def wait_for(done: Callable[[], bool], installation: Installation) -> None:
    # The clock looks once a minute, whoever woke the worker.
    deadline = time.monotonic() + 150
    while not done():
        assert time.monotonic() < deadline, installation.said()
        time.sleep(0.2)


def test_what_happens_arrives_signed_and_again_after_a_failure(installation: Installation, hook: Hook):
    ask(installation, "POST", "/entities/bob/projects", {"name": "p"})
    given = {"name": "ci", "url": hook.url, "events": ["version_logged", "alias_moved"]}
    made = ask(installation, "POST", "/projects/bob/p/webhooks", given)
    hook.answers[:] = [Answer(500), Answer(200)]
    logged = {"collection": "data", "type": "dataset", "entries": [], "aliases": ["production"]}
    ask(installation, "POST", "/projects/bob/p/versions", logged)
    wait_for(lambda: len(hook.received) == 3, installation)
    kinds = sorted(hook.kinds())
    assert kinds in (
        ["alias_moved", "alias_moved", "version_logged"],
        ["alias_moved", "version_logged", "version_logged"],
    )
    assert len({each.told["id"] for each in hook.received}) == 2
    for each in hook.received:
        seconds, signed = (part.partition("=")[2] for part in each.headers["Strongroom-Signature"].split(","))
        said = f"{seconds}.".encode() + each.body
        assert signed == hmac.new(made["secret"].encode(), said, hashlib.sha256).hexdigest()
    log = f"/projects/bob/p/webhooks/{made['id']}/deliveries"
    wait_for(
        lambda: {row["state"] for row in ask(installation, "GET", log)["results"]} == {"delivered"},
        installation,
    )

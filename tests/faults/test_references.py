"""Workers that resolve references are killed in the middle: what was found stays found, and nothing is there twice."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.installation import Installation

pytestmark = pytest.mark.installation

FILES = 12_000
PATIENCE = 240


def ask(installation: Installation, key: str, method: str, path: str, body: object = None) -> object:
    request = urllib.request.Request(
        f"{installation.url}/api/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        raw = answer.read()
    return json.loads(raw) if raw.startswith((b"{", b"[")) and path.rpartition("/")[2] != "manifest" else raw


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def fill(folder: Path) -> None:
    for n in range(FILES):
        place = folder / f"{n % 100:02}"
        place.mkdir(exist_ok=True)
        (place / f"{n:05}.txt").write_text(str(n))


def test_a_killed_worker_is_followed_by_one_that_goes_on(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    fill(folder)
    installation = Installation.in_new_folder(STRONGROOM_REFERENCE_ROOTS=str(folder))
    try:
        installation.start()
        key = installation.make_key("ada")
        draft = ask(
            installation, key, "POST", "/projects/ada/far/drafts", {"collection": "data", "type": "dataset"}
        )
        here = f"/drafts/{draft['id']}"
        ask(installation, key, "POST", f"{here}/references", {"uri": f"file://{folder}"})
        ask(installation, key, "POST", f"{here}/resolution", {"aliases": ["whole"]})
        until(lambda: ask(installation, key, "GET", f"{here}/resolution")["found"] > 0)
        for number, command in installation.processes().items():
            if "celery" in command:
                os.kill(number, signal.SIGKILL)
        before = ask(installation, key, "GET", f"{here}/resolution")
        assert 0 < before["found"] < FILES
        assert before["state"] == "resolving"
        until(lambda: ask(installation, key, "GET", f"{here}/resolution")["state"] == "committed")
        lines = ask(installation, key, "GET", "/projects/ada/far/collections/data/versions/whole/manifest")
        paths = [json.loads(line)["path"] for line in lines.splitlines()]
        assert paths == sorted({f"{n % 100:02}/{n:05}.txt" for n in range(FILES)})
    finally:
        installation.remove()

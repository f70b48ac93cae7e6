"""Whoever dies, what arrived is not sent again: killed clients, broken connections, a killed server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import strongroom
from strongroom.transfer import uploads

from tests.client.live.proxy import Proxy

MIB = 1 << 20
BIG = 48 * MIB
LOG = """
import sys, strongroom
with strongroom.init() as run:
    artifact = strongroom.Artifact("data", "dataset", metadata={"try": int(sys.argv[3])})
    artifact.add_dir(sys.argv[1], policy=sys.argv[2])
    run.log_artifact(artifact)
    print(artifact.version, run.id)
"""
GET = """
import sys, strongroom
strongroom.Api().artifact("data").download(sys.argv[1], skip_cache=True)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a client in a process of its own."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Wait for a client, and return the words that it printed."""
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    return out.split()


def kill_when(process: subprocess.Popen[str], due: Callable[[], bool]) -> None:
    """Kill a client in the middle."""
    deadline = time.monotonic() + 120
    while not due():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture
def folder(home: Path) -> Path:
    """Something large and many small."""
    (home / "in" / "small").mkdir(parents=True)
    for number in range(300):
        (home / "in" / "small" / str(number)).write_bytes(os.urandom(20_000))
    (home / "in" / "big").write_bytes(os.urandom(BIG))
    return home / "in"


@pytest.mark.parametrize("policy", ["mutable", "immutable"])
def test_a_killed_client_goes_on(proxy: Proxy, folder: Path, policy: str):
    total = BIG + 300 * 20_000
    for number, at in enumerate((10 * MIB, 25 * MIB, BIG + 2 * MIB)):
        begun = start(LOG, folder, policy, number)
        kill_when(begun, lambda at=at: proxy.up > at)
    version, run_id = finish(start(LOG, folder, policy, 3))
    assert version == "v0"
    assert proxy.up < 1.1 * total + 2 * MIB
    logged = strongroom.Api().artifact("data")
    logged.verify(logged.download(folder.parent / "out"))
    assert logged.metadata == {"try": 3}
    assert logged.logged_by().id == run_id
    assert len(list(strongroom.Api().artifacts("data"))) == 1


def test_another_file_of_the_same_name_and_size_is_not_mixed_up(proxy: Proxy, folder: Path):
    begun = start(LOG, folder, "immutable", 0)
    kill_when(begun, lambda: proxy.up > 10 * MIB)
    (folder / "big").write_bytes(other := os.urandom(BIG))
    finish(start(LOG, folder, "immutable", 1))
    logged = strongroom.Api().artifact("data")
    root = Path(logged.download(folder.parent / "out"))
    assert (root / "big").read_bytes() == other


DIE = """
import os, strongroom.transfer.publish as publish
real = publish.Publication._commit
publish.Publication._commit = lambda *given: (real(*given), os._exit(9))
"""


@pytest.mark.parametrize("changed", [True, False])
def test_who_dies_after_the_commit_is_not_mixed_up_with_who_comes_next(
    proxy: Proxy, folder: Path, changed: bool
):
    died = start(DIE + LOG, folder, "immutable", 0)
    died.communicate(timeout=180)
    assert died.returncode == 9
    if changed:
        (folder / "big").write_bytes(os.urandom(BIG))
    assert finish(start(LOG, folder, "immutable", 1))[0] == ("v1" if changed else "v0")
    logged = strongroom.Api().artifact("data")
    assert logged.metadata == {"try": 1 if changed else 0}
    root = Path(logged.download(folder.parent / "out"))
    assert (root / "big").read_bytes() == (folder / "big").read_bytes()
    assert len(list(strongroom.Api().artifacts("data"))) == 1 + changed


def test_broken_connections_are_taken_up_again(proxy: Proxy, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("strongroom._retry.FIRST_DELAY", 0.01)
    with strongroom.init() as run:
        artifact = strongroom.Artifact("data", "dataset")
        artifact.add_dir(folder)
        proxy.cut_up = 20 * MIB
        run.log_artifact(artifact)
    assert proxy.cuts == 1
    assert proxy.up < 1.1 * (BIG + 300 * 20_000) + MIB
    artifact.verify(artifact.download(folder.parent / "out"))


def test_a_known_size_is_hashed_first_and_not_sent(proxy: Proxy, folder: Path):
    for name in ("one", "two"):
        with strongroom.init() as run:
            artifact = strongroom.Artifact(name, "dataset")
            artifact.add_dir(folder)
            begun = proxy.up
            run.log_artifact(artifact)
    assert proxy.up - begun < MIB


def test_a_distant_link_is_used_by_several_connections(
    proxy: Proxy, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(uploads, "SLOW_LINK", 0.0)
    monkeypatch.setattr(uploads, "WIDEN_FROM", 8 * MIB)
    monkeypatch.setattr(uploads, "PART_SIZE", 8 * MIB)
    monkeypatch.setattr("strongroom._retry.FIRST_DELAY", 0.01)
    with strongroom.init() as run:
        artifact = strongroom.Artifact("data", "dataset")
        artifact.add_dir(folder)
        proxy.cut_up = 20 * MIB
        run.log_artifact(artifact)
    assert proxy.cuts == 1
    artifact.verify(artifact.download(folder.parent / "out"))


def test_a_killed_download_goes_on(proxy: Proxy, folder: Path, home: Path):
    with strongroom.init() as run:
        artifact = strongroom.Artifact("data", "dataset")
        artifact.add_file(folder / "big")
        run.log_artifact(artifact)
    begun, out = proxy.down, home / "out"

    def arrived() -> int:
        return sum(p.stat().st_size for p in out.glob(".strongroom-*.part")) if out.is_dir() else 0

    for at in (10 * MIB, 30 * MIB):
        kill_when(start(GET, out), lambda at=at: arrived() > at)
        assert not (out / "big").exists()
    finish(start(GET, out))
    assert (out / "big").read_bytes() == (folder / "big").read_bytes()
    assert [p.name for p in out.iterdir()] == ["big"]
    # What the kernel had taken in for a killed process, but nobody had read yet, is lost: a few MiB each time.
    assert proxy.down - begun < 1.1 * BIG + 2 * 8 * MIB


def test_two_downloads_to_one_folder_do_not_disturb_each_other(project: str, folder: Path, home: Path):
    with strongroom.init() as run:
        artifact = strongroom.Artifact("data", "dataset")
        artifact.add_dir(folder)
        run.log_artifact(artifact)
    both = [start(GET, home / "out") for _ in range(3)]
    for process in both:
        finish(process)
    artifact.verify(home / "out")

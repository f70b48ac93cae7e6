"""`make run` for real: it starts, restarts what dies, refuses a second start, and stops cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.installation import ROOT, Installation, clean_environment

pytestmark = [pytest.mark.installation, pytest.mark.slow]


@pytest.fixture
def installation():
    made = Installation.in_new_folder()
    yield made
    made.remove()


def serve(data, port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "artifacts_site.serve", "--port", str(port), "--data", str(data)],
        cwd=ROOT,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def pid_of(installation: Installation, *words: str) -> int:
    return next(pid for pid, line in installation.processes().items() if all(word in line for word in words))


def test_all_parts_come_up_and_say_so(live_installation):
    status, parts = live_installation.health()
    assert status == 200
    assert parts == {"status": "up", "web": "up", "database": "up", "queue": "up", "worker": "up"}


def test_a_second_start_on_the_same_data_says_so_and_leaves_the_first_alone(live_installation):
    done = serve(live_installation.data, 0)
    assert done.returncode == 1
    assert "is in use by another Strongroom" in done.stderr
    assert str(live_installation.process.pid) in done.stderr
    assert "Traceback" not in done.stderr
    assert live_installation.health()[0] == 200


def test_a_port_in_use_is_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = serve(tmp_path / "data", port)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"strongroom: port {port} is in use; stop what uses it, or choose another: make run PORT={port + 1}"
    )


@pytest.mark.parametrize("name", ["STRONGROOM_WEB_THREADS", "STRONGROOM_WEB_PROCESSES"])
def test_a_wrong_setting_of_the_web_server_stops_the_start_before_anything_runs(tmp_path, name):
    done = serve(tmp_path / "data", 0, **{name: "0"})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"strongroom: {name} must be a whole number from 1 to ")
    assert not (tmp_path / "data" / "strongroom.sqlite3").exists()


def test_the_queue_is_reached_by_its_owner_alone(live_installation):
    folder = live_installation.data / "queue"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "redis.sock").is_socket()
    assert not tcp_sockets(pid_of(live_installation, "redis.sock"))


def tcp_sockets(pid: int) -> set[str]:
    """Return the TCP sockets of a process, whatever their state."""
    process = Path("/proc", str(pid))
    known = {
        f"socket:[{line.split()[9]}]"
        for table in ("tcp", "tcp6")
        for line in (process / "net" / table).read_text().splitlines()[1:]
    }
    return known & {os.readlink(found) for found in (process / "fd").iterdir()}


def is_gone(processes: list[int]) -> bool:
    """Wait until none of them is left (a process that ended may wait a moment for init)."""
    deadline = time.monotonic() + 20
    while left := [pid for pid in processes if os.path.exists(f"/proc/{pid}")]:
        if time.monotonic() > deadline:
            raise AssertionError(f"still there: {left}")
        time.sleep(0.05)
    return True


def test_whatever_dies_is_started_again(installation):
    installation.start()
    for word in ("gunicorn", "redis", "celery"):
        victim = pid_of(installation, word)
        os.kill(victim, signal.SIGKILL)
        assert is_gone([victim])
        installation.wait_until_up()
        deadline = time.monotonic() + 30
        while word not in " ".join(installation.processes().values()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert pid_of(installation, word) != victim
    installation.wait_until_up()
    assert installation.stop(signal.SIGINT) == 0


def test_the_worker_ends_with_its_clock_and_comes_back_with_a_new_one(live_installation):
    worker = pid_of(live_installation, "celery")
    clocks = [int(n) for n in Path(f"/proc/{worker}/task/{worker}/children").read_text().split()]
    for clock in clocks:
        os.kill(clock, signal.SIGKILL)
    assert is_gone([worker])
    live_installation.wait_until_up()


def all_processes(installation) -> list:
    """The worker's own child comes a moment after the worker said that it is there."""
    deadline = time.monotonic() + 10
    while len(processes := list(installation.processes())) < 7 and time.monotonic() < deadline:
        time.sleep(0.1)
    return processes


def test_however_it_ends_nobody_is_left_behind_and_it_starts_again(installation):
    for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        installation.start()
        processes = all_processes(installation)
        assert len(processes) >= 7
        assert installation.stop(number) == code
        assert is_gone(processes)
    installation.start()


def test_the_set_up_link_is_printed_until_there_is_an_admin(installation):
    installation.start().stop()
    assert f"{installation.url}/setup/" in installation.said()
    installation.manage("createuser", "root", "--admin")
    installation.start().stop()
    assert "/setup/" not in installation.said()
    (installation.data / "strongroom.sqlite3").unlink()
    installation.start()
    assert "/setup/" in installation.said()


def test_it_runs_on_postgresql_with_its_connection_pool(postgres_cluster):
    installation = Installation.in_new_folder(DATABASE_URL=postgres_cluster.create_database("installation"))
    try:
        installation.start()
        assert installation.make_key("somebody")
    finally:
        installation.remove()

"""A whole installation for tests, started as `make run` starts it, on a free port and a data folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without what a test run or a person set for Strongroom."""
    foreign = ("STRONGROOM_", "DATABASE_URL", "REDIS_URL", "DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, **more}


@dataclass
class Installation:
    """A running server with its worker and its queue."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    # What the command is started by, such as a tracer.
    before: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    url: str = ""
    log_start: int = 0
    # How long a start may take on a machine that has much else to do.
    patience: float = START_SECONDS

    @classmethod
    def in_new_folder(cls, **environment: str) -> Installation:
        """Describe an installation with an empty data folder."""
        return cls(Path(tempfile.mkdtemp(prefix="strongroom-live-")), environment)

    @property
    def log(self) -> Path:
        return self.data.with_name(f"{self.data.name}.log")

    def said(self) -> str:
        """Return what the last start printed so far."""
        return self.log.read_text()[self.log_start :]

    def start(self, *, wait: bool = True) -> Installation:
        """Start it, and return when all its parts are up."""
        serve = [sys.executable, "-m", "artifacts_site.serve", "--port", "0", "--data", str(self.data)]
        self.log_start = len(self.log.read_text()) if self.log.exists() else 0
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*self.before, *serve],
                cwd=ROOT,
                env=clean_environment(**self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        if wait:
            self.wait_until_up()
        return self

    def wait_until_up(self) -> None:
        """Wait until /healthz answers 200."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            status, _ = self.health()
            # The supervisor asks, too: what it says when all is up belongs to the start.
            if status == 200 and "Strongroom is up" in self.said():
                return
            time.sleep(0.05)
        raise AssertionError(f"the installation did not come up:\n{self.log.read_text()[-4000:]}")

    def health(self) -> tuple[int, dict[str, str]]:
        """Ask /healthz; status 0 when nobody answers."""
        lines = self._lock_lines()
        if self.process is None or lines[:1] != [str(self.process.pid)]:
            return 0, {}
        self.url = lines[1]
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, {}

    def _lock_lines(self) -> list[str]:
        try:
            return (self.data / "lock").read_text().splitlines()
        except OSError:
            return []

    def manage(self, *arguments: str) -> str:
        """Run a management command on the installation and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=clean_environment(**self.environment, STRONGROOM_DATA=str(self.data)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def make_key(self, name: str = "admin", *, admin: bool = True) -> str:
        """Make a user with an API key and return the key."""
        self.manage("createuser", name, *(["--admin"] if admin else []))
        return self.manage("createapikey", name).strip().splitlines()[-1]

    def processes(self) -> dict[int, str]:
        """Return the command lines of all its processes but the supervisor's, by number."""
        assert self.process is not None
        found, todo = {}, [self.process.pid]
        while todo:
            for children in Path("/proc", str(todo.pop()), "task").glob("*/children"):
                numbers = [int(number) for number in children.read_text().split()]
                todo += numbers
                found |= {
                    number: Path("/proc", str(number), "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    for number in numbers
                }
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it, and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def remove(self) -> None:
        """Stop it and delete its data."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.log.unlink(missing_ok=True)

"""An installation and clients in processes of their own, for scripts that kill them and count what was lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strongroom._http import Session
from strongroom.settings import Settings

from tests.support.installation import ROOT, Installation, clean_environment

MIB = 1 << 20
PROJECT = "faults"
# How long a first start may take: on a machine that has much else to do that is no matter of right or wrong.
PATIENCE = 600


@dataclass
class World:
    """A running installation, somebody with a key, and a folder for their files."""

    installation: Installation
    user: str
    key: str
    folder: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def of(cls, installation: Installation, folder: Path, user: str = "torturer") -> World:
        """Make somebody who logs to an installation that runs."""
        return cls(installation, user, installation.make_key(user), folder)

    @property
    def url(self) -> str:
        return self.installation.url

    def session(self) -> Session:
        """Return a session of the client, for questions."""
        return Session(Settings(base_url=self.url, api_key=self.key, entity=self.user, project=PROJECT))

    def client(
        self, act: str, *arguments: object, url: str = "", home: str = "home"
    ) -> subprocess.Popen[str]:
        """Start a process that does one of the acts of `clients.py`; equal homes share cache and journals."""
        environment = clean_environment(
            STRONGROOM_BASE_URL=url or self.url,
            STRONGROOM_API_KEY=self.key,
            STRONGROOM_ENTITY=self.user,
            STRONGROOM_PROJECT=PROJECT,
            STRONGROOM_CACHE_DIR=str(self.folder / home),
        )
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/faults/clients.py"), act, *map(str, arguments)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def web(self) -> tuple[int, list[int]]:
        """Return the web server's master process and its workers."""
        known = [number for number, line in self.installation.processes().items() if "gunicorn" in line]
        parents = {number: parent_of(number) for number in known}
        master = next(number for number in known if parents[number] not in known)
        return master, [number for number in known if parents[number] == master]

    def unforeseen(self) -> list[str]:
        """Return what the server's log says of errors that nobody foresaw."""
        lines = self.installation.log.read_text(errors="replace").splitlines()
        return [line for line in lines if "nobody foresaw" in line]

    def close(self) -> None:
        """End the clients that still run."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()


def parent_of(number: int) -> int:
    """Return a process's parent; 0 when it is gone."""
    with suppress(OSError):
        return int(Path("/proc", str(number), "stat").read_text().rpartition(")")[2].split()[1])
    return 0


@contextmanager
def world(**environment: str) -> Iterator[World]:
    """Start an installation with an empty data folder, and remove all of it afterwards."""
    installation = Installation.in_new_folder(**environment)
    installation.patience = PATIENCE
    with temporary_folder() as folder:
        try:
            found = World.of(installation.start(), folder)
            try:
                yield found
            finally:
                found.close()
        finally:
            installation.remove()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards, whoever still wrote to it."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-faults-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_script(
    installation: Installation, script: str, *arguments: str, **streams: Any
) -> subprocess.Popen[str]:
    """Start one of the scripts here that look into an installation's database and store."""
    environment = clean_environment(
        **installation.environment,
        STRONGROOM_DATA=str(installation.data),
        PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "client/src")]),
    )
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/faults" / script), *arguments],
        env=environment,
        cwd=ROOT,
        text=True,
        **{"stdin": subprocess.DEVNULL, **streams},
    )


def answer_of(process: subprocess.Popen[str], patience: float = 600) -> Any:
    """Wait for a client and return what it printed last; what it says when it fails is an error."""
    said, errors = process.communicate(timeout=patience)
    if process.returncode:
        raise RuntimeError(f"a client ended with {process.returncode}:\n{errors[-2000:]}")
    return json.loads(said.splitlines()[-1])


def kill(number: int) -> bool:
    """Kill a process as a power cut would; tell whether it was there."""
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)
        return True
    return False

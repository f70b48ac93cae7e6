"""A private PostgreSQL cluster for the test run: unix socket only, no fsync unless asked for, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

TEST_SPEED = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
# As an installation has it, with a log that fits on a small disk.
DURABLE = "-c max_wal_size=48MB -c min_wal_size=32MB -c max_connections=200"


def binary(name: str) -> str:
    """Find one of PostgreSQL's programs, where Debian keeps them or on PATH; the newest one."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = str(kept[-1]) if kept else shutil.which(name)
    if found is None:
        raise SystemExit(
            "PostgreSQL is missing; `make test` installs it when root, else: apt-get install postgresql"
        )
    return found


def as_server_user() -> list[str]:
    """Return what to put before a command: initdb refuses root, so root becomes another user."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    return ["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", "--inh-caps=-all"]


@dataclass
class Cluster:
    """A running cluster and its folder."""

    folder: Path
    options: str = TEST_SPEED

    @classmethod
    def start(cls, folder: Path | None = None, options: str = TEST_SPEED) -> Cluster:
        """Make a cluster in a temporary folder, or in one that is given, and start it (about a second)."""
        folder = Path(tempfile.mkdtemp(prefix="strongroom-pg-")) if folder is None else folder
        if before := as_server_user():
            shutil.chown(folder, user=before[1].removeprefix("--reuid="))
        cluster = cls(folder, options)
        sync = ["--no-sync"] if options == TEST_SPEED else []
        data = str(folder / "data")
        cluster._run(
            "initdb", "-D", data, "-U", "strongroom", "-A", "trust", "-E", "UTF8", "--locale=C", *sync
        )
        cluster.begin()
        cluster._run("createdb", "-h", str(folder), "-U", "strongroom", "strongroom")
        return cluster

    def begin(self) -> None:
        """Start its server; what was cut off mends itself first."""
        settings = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' {self.options}"
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-w", "-l", log, "-o", settings, "start")

    def process(self) -> int:
        """Return the number of its first process."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    @property
    def url(self) -> str:
        """Return the DATABASE_URL of the cluster's database."""
        return f"postgresql://strongroom@/strongroom?host={self.folder}"

    def create_database(self, name: str) -> str:
        """Make one more database and return its DATABASE_URL."""
        self._run("createdb", "-h", str(self.folder), "-U", "strongroom", name)
        return f"postgresql://strongroom@/{name}?host={self.folder}"

    def stop(self) -> None:
        """Stop the cluster and remove its folder."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, name: str, *arguments: str) -> None:
        # A file, not a pipe: the server keeps its parent's output open for as long as it runs.
        with tempfile.TemporaryFile("w+") as output:
            command = [*as_server_user(), binary(name), *arguments]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder, check=False
            )
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{name} failed: {output.read()}")

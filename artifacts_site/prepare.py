"""What must be done before the first request, each only when due: migrations, static files, the set-up link."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts_site.environment import WrongSetting


@dataclass
class Preparation:
    """The state of one data folder, compared with the code that is about to run on it."""

    base: Path
    data: Path
    # The SQLite file; None when the database is a server, whose state no file here can vouch for.
    database: Path | None
    environment: dict[str, str]

    def run(self, address: str) -> str:
        """Do what is due, and return the set-up link while there is no admin."""
        done = self._read()
        static, migrations = self._static_state(), self._migrations_state()
        chores = []
        if done.get("migrations") != migrations or not self._has_applied(done.get("applied", [])):
            chores.append(self._manage("migrate", "--skip-checks", "--no-input", "--verbosity", "0"))
        if done.get("static") != static or not (self.data / "static" / "staticfiles.json").exists():
            chores.append(
                self._manage("collectstatic", "--skip-checks", "--no-input", "--clear", "--verbosity", "0")
            )
        for chore in chores:
            finish(chore)
        if chores:
            # What is noted as done below must still be there after a power cut: static files are many small ones.
            flush(self.data)
        # An admin once made stays; while there is none, each start makes a fresh link and voids the last one.
        link = "" if done.get("admin") and not chores else finish(self._set_up_link(address))
        self._write(static=static, migrations=migrations, applied=self._applied(), admin=not link)
        return link

    def _set_up_link(self, address: str) -> subprocess.Popen[str]:
        return self._manage("setuplink", "--base", address, "--verbosity", "0")

    def _manage(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(self.base / "manage.py"), *arguments]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _static_state(self) -> str:
        """Name the state of the static files by size and time; packages' own change only with the pins."""
        digest = hashlib.sha256((self.base / "requirements.txt").read_bytes())
        # Which folders there are say the settings.
        digest.update((self.base / "artifacts_site" / "settings.py").read_bytes())
        for path in sorted(self._static_files()):
            facts = path.stat()
            digest.update(f"{path}:{facts.st_size}:{facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def _static_files(self) -> Iterator[Path]:
        return (path for path in (self.base / "static").rglob("*") if path.is_file())

    def _migrations_state(self) -> str | None:
        """Name the migrations that the code knows; None when the database must be asked each time."""
        if self.database is None:
            return None
        digest = hashlib.sha256((self.base / "requirements.txt").read_bytes())
        for path in sorted((self.base / "registry" / "migrations").glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()

    def _applied(self) -> list[list[str]]:
        """Read the applied migrations from the SQLite file itself: it may be an older backup."""
        if self.database is None or not self.database.exists():
            return []
        # Opened through a URI: a plain path would create an empty file.
        connection = sqlite3.connect(f"{self.database.as_uri()}?mode=rw", uri=True, timeout=20)
        try:
            rows = connection.execute("SELECT app, name FROM django_migrations ORDER BY app, name").fetchall()
        except sqlite3.DatabaseError:
            return []
        finally:
            connection.close()
        return [list(row) for row in rows]

    def _has_applied(self, wanted: list[list[str]]) -> bool:
        return bool(wanted) and self._applied() == wanted

    @property
    def _file(self) -> Path:
        return self.data / "prepared.json"

    def _read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._file.read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def _write(self, **state: Any) -> None:
        if self.database is None:
            state["admin"] = False
        self._file.write_text(json.dumps(state))


def flush(folder: Path) -> None:
    """Have the disk keep all that was written to the file system of a folder."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle):
            raise OSError(ctypes.get_errno(), "the disk failed", str(folder))
    finally:
        os.close(handle)


def finish(chore: subprocess.Popen[str]) -> str:
    """Wait for a command and return its words; what fails stops the start."""
    words, _ = chore.communicate()
    if chore.returncode:
        name = list(map(str, chore.args))[2] if isinstance(chore.args, list) else "command"
        raise WrongSetting(f"manage.py {name} failed, and so nothing was started:\n{words.strip()}")
    return words.strip()

"""The wandb client as it is, run as its users run it: in a process of its own, which knows this server only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SECONDS = 180


def environment(url: str, key: str, folder: Path) -> dict[str, str]:
    """Return the environment in which the client talks to one server, and writes into one folder."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "HOME": str(folder),
        "WANDB_BASE_URL": url,
        "WANDB_API_KEY": key,
        "WANDB_DIR": str(folder),
        "WANDB_CACHE_DIR": str(folder / "cache"),
        "WANDB_CONFIG_DIR": str(folder / "config"),
        "WANDB_DATA_DIR": str(folder / "data"),
        "WANDB_ARTIFACT_DIR": str(folder / "artifacts"),
        # No reports of errors and no figures of the machine: nothing leaves for the internet.
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_X_DISABLE_STATS": "true",
        "DO_NOT_TRACK": "1",
    }


def run(code: str, url: str, key: str, folder: Path) -> str:
    """Run a script with the client and return what it printed."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(url, key, folder),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def command(line: list[str], url: str, key: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the client's command."""
    return subprocess.run(
        [str(Path(sys.executable).parent / line[0]), *line[1:]],
        cwd=folder,
        env=environment(url, key, folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

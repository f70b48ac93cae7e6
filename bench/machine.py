"""What the measured machine is, and the versions of what is compared."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable

MIB = 2**20


def facts(work: str) -> dict[str, object]:
    """Return what the head of the results says."""
    os.makedirs(work, exist_ok=True)
    return {"machine": _machine(work), "versions": _versions(work), "speeds": _speeds(work)}


def _machine(work: str) -> dict[str, str]:
    cpu, memory = _read("/proc/cpuinfo"), _read("/proc/meminfo")
    model = re.search(r"model name\s*: (.*)", cpu)
    total = re.search(r"MemTotal:\s*(\d+)", memory)
    marks = [name for name in ("sha_ni", "avx512f") if name in cpu]
    system = re.search(r'PRETTY_NAME="(.*)"', _read("/etc/os-release"))
    return {
        "processor": f"{os.cpu_count()} x {model[1] if model else platform.machine()} ({', '.join(marks)})",
        "memory": f"{int(total[1]) / MIB:.0f} GiB" if total else "unknown",
        "disk": _said(["df", "--output=fstype", work]).splitlines()[-1].strip(),
        "system": f"{system[1] if system else platform.system()}, Linux {'.'.join(platform.release().split('.')[:2])}",
    }


def _versions(work: str) -> dict[str, str]:
    pip = ["-c", "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"]
    at = {name: os.path.join(work, f"venv-{name}", "bin", "python") for name in ("mlflow", "client")}
    return {
        "Strongroom": _said([at["client"], *pip, "strongroom"])
        + " "
        + _said(["git", "-C", work, "describe", "--always", "--dirty"]),
        "MLflow": _said([at["mlflow"], *pip, "mlflow"]),
        "Python": platform.python_version(),
        "nginx": _said(["nginx", "-v"]).rpartition("/")[2],
        "curl": _said(["curl", "--version"]).split(" ")[1],
        "rsync": _said(["rsync", "--version"]).split()[2],
    }


def _speeds(work: str) -> dict[str, str]:
    """Measure what bounds everything else: hashing, writing, syncing."""
    block = os.urandom(MIB)

    def hashing(kind: str) -> Callable[[], None]:
        def act() -> None:
            digest = hashlib.new(kind)
            for _ in range(256):
                digest.update(block)

        return act

    return {
        "SHA-256": f"{256 / _best(hashing('sha256')):.0f} MiB/s a thread",
        "MD5": f"{256 / _best(hashing('md5')):.0f} MiB/s a thread",
        "write and fsync 256 MiB": f"{256 / _best(lambda: _write(work, block, 256)):.0f} MiB/s",
        "write and fsync 4 KiB": f"{_best(lambda: _write(work, block[:4096], 1)) * 1e3:.2f} ms",
    }


def _write(work: str, block: bytes, times: int) -> None:
    path = os.path.join(work, "speed")
    with open(path, "wb", buffering=0) as file:
        for _ in range(times):
            file.write(block)
        os.fsync(file.fileno())
    os.unlink(path)


def _best(act: Callable[[], None]) -> float:
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return min(taken)


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not there"
    return (done.stdout or done.stderr).strip()

"""A driver at work: its server half here, its client half in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import drivers
from processes import Sampler
from trees import find_copy, tree_digest

HERE = os.path.dirname(os.path.abspath(__file__))
Put = Callable[..., None]


class Worker:
    """The client half, in the driver's own Python; one JSON line there, one back."""

    def __init__(self, name: str, python: str, conf: dict[str, Any], environment: dict[str, str]) -> None:
        with open(os.path.join(conf["workdir"], "client.log"), "a") as log:
            self._process = subprocess.Popen(
                [python, os.path.join(HERE, "worker.py"), name, json.dumps(conf)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, **environment},
            )  # fmt: skip
        self.import_seconds: float = self._read()["import_s"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the client ended; its client.log says why")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise RuntimeError(found["error"])
        return found

    def call(self, op: str, **kw: Any) -> dict[str, Any]:
        """Let the client do one thing, and return what it cost."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"op": op, "kw": kw}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """Let the client end by itself, or end it."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Pair:
    """One driver, as the workloads use it."""

    def __init__(self, name: str, folder: str, scratch: str) -> None:
        self.name, self._scratch = name, scratch
        self.workdir = os.path.join(folder, re.sub(r"\W+", "-", name))
        shutil.rmtree(self.workdir, ignore_errors=True)
        self.server = drivers.load(name).Server(self.workdir, drivers.options(name))
        self.client: Worker | None = None
        self.server.prepare()

    def up(self) -> float:
        """Start server and client, and return how long the client took to import."""
        self.server.start()
        self.client = Worker(self.name, self.server.python, self.server.conf(), self.server.client_env())
        return self.client.import_seconds

    def down(self) -> None:
        """End both."""
        if self.client is not None:
            self.client.close()
        self.server.stop()

    def call(self, op: str, **kw: Any) -> Any:
        """Let the client do something untimed."""
        assert self.client is not None
        return self.client.call(op, **kw)["value"]

    def timed(self, op: str, **kw: Any) -> tuple[float, Any, dict[str, float]]:
        """Let the client do something, and return the time, the result and what it cost both sides."""
        assert self.client is not None
        os.sync()
        with Sampler(self.server.pids()) as server:
            done = self.client.call(op, **kw)
        costs = {"client_cpu": done["cpu_s"], "client_rss": done["rss_mib"]}
        if self.server.pids():
            costs |= {"server_cpu": server.cpu, "server_pss": server.peak_pss, "server_grown": server.grown}
        return done["wall_s"], done["value"], costs

    def fetch(self, put: Put, ref: Any, source: str, metric: str, rnd: int) -> None:
        """Time a download into an empty folder, with no cache, and compare it with its source."""
        dest = os.path.join(self._scratch, "download")
        shutil.rmtree(dest, ignore_errors=True)
        os.makedirs(dest)
        self.call("drop_caches")
        self.call("prepare_download", ref=ref, dest=dest)
        wall, _, costs = self.timed("download", ref=ref, dest=dest)
        same = tree_digest(source) == tree_digest(find_copy(dest))
        put(self.name, metric, wall, "s", rnd, ok=same, **costs)
        shutil.rmtree(dest)

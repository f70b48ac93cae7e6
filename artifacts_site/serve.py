"""`make run`: one command that prepares a data folder and runs the whole installation on one port."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import socket
import sys
import time
from pathlib import Path

from artifacts_site.environment import WrongSetting, redis_socket
from artifacts_site.prepare import Preparation
from artifacts_site.services import Service, redis, redis_program, web, worker
from artifacts_site.supervisor import Probe, Supervisor, say

LOCK_PATIENCE = 10.0


def main() -> int:
    """Lock the data folder, take the port, prepare, supervise."""
    options = parse()
    data = Path(options.data).expanduser().resolve()
    # Whatever the services write is their owner's alone.
    os.umask(0o077)
    lock = lock_folder(data)
    listener = listen(options.host, options.port)
    os.environ["STRONGROOM_DATA"] = str(data)
    local = f"http://{url_host(options.host)}:{listener.getsockname()[1]}"
    sign_lock(lock, local)
    return supervise(lock, listener, local)


def parse() -> argparse.Namespace:
    """Read the command line; what make leaves empty is not given."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--data", default="data", help="the folder that holds everything")
    parser.add_argument("--port", type=port_number, default=8000)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at")
    return parser.parse_args()


def port_number(text: str) -> int:
    """Return a port; 0 takes any free one."""
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"PORT must be a number from 0 to 65535, not {text!r}")
    return int(text)


def lock_folder(data: Path) -> int:
    """Make the data folder and hold it, so that no second installation writes to it."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WrongSetting(
            f"the data folder {data} cannot be used ({error.strerror}); choose another with DATA=…"
        ) from None
    deadline = time.monotonic() + LOCK_PATIENCE
    while not try_lock(lock):
        holder = os.pread(lock, 20, 0).decode().partition("\n")[0]
        # A supervisor that was killed leaves its queue behind for the moment that saving takes.
        if is_alive(holder) or time.monotonic() > deadline:
            raise WrongSetting(
                f"the data folder {data} is in use by another Strongroom (process {holder or 'unknown'}); "
                "stop that one first, or choose another folder with DATA=…"
            )
        time.sleep(0.05)
    return lock


def sign_lock(lock: int, address: str) -> None:
    """Write into the lock who holds it and where it answers, for people and scripts that look."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n{address}\n".encode(), 0)


def try_lock(lock: int) -> bool:
    """Take the lock if nobody holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_alive(process: str) -> bool:
    """Tell whether a process of this number runs; an unreadable number may mean one that just starts."""
    return not process.isdigit() or Path("/proc", process).exists()


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything is started."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise WrongSetting(
                f"port {port} is in use; stop what uses it, or choose another: make run PORT={port + 1}"
            ) from None
        raise WrongSetting(f"cannot listen at {host}, port {port}: {error.strerror}.") from None
    listener.listen(1024)
    return listener


def url_host(host: str) -> str:
    """Return how a browser on this machine writes the address."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104  # compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def private_folder(path: Path) -> None:
    """Make the socket's folder, and refuse one that somebody else made."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = path.lstat()
    if facts.st_uid != os.geteuid() or path.is_symlink():
        raise WrongSetting(
            f"the folder {path} belongs to somebody else; remove it, or choose a shorter DATA=…"
        )
    path.chmod(0o700)


def supervise(lock: int, listener: socket.socket, local: str) -> int:
    """Put the services together and run them."""
    # Imported here: the settings read the environment, which names the data folder only now.
    # Those of the web server are read by its process alone: a wrong one would end it again and again.
    from artifacts_site import gunicorn_conf, settings

    del gunicorn_conf
    address = settings.PUBLIC_URL or local
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "artifacts_site.settings"}
    environment["STRONGROOM_RUN"] = os.urandom(8).hex()
    # Threads share two arenas: the C library would give each its own, and keep their memory.
    environment.setdefault("MALLOC_ARENA_MAX", "2")
    queue = embedded_queue(settings.DATA_DIR, environment, lock)
    database = settings.DATABASES["default"]["NAME"]
    file = database if isinstance(database, Path) else None
    link = Preparation(settings.BASE_DIR, settings.DATA_DIR, file, environment).run(address)

    def when_up() -> None:
        say(f"Strongroom is up at {address} (data in {settings.DATA_DIR}). Ctrl-C stops it.")
        if link:
            say(f"There is no admin yet. Who opens this link first becomes the admin:\n\n    {link}\n")

    services = [
        *queue,
        worker(settings.WORKER_PROCESSES, environment),
        web(listener.fileno(), environment),
    ]
    probe = Probe(listener.getsockname(), listener.family, settings.ALLOWED_HOSTS[0])
    return Supervisor(services, probe, when_up).run()


def embedded_queue(data: Path, environment: dict[str, str], lock: int) -> list[Service]:
    """Describe the queue that this installation starts itself; none when REDIS_URL names one."""
    if os.environ.get("REDIS_URL") or os.environ.get("REDIS_URL_FILE"):
        return []
    program = redis_program()
    if program is None:
        raise WrongSetting("there is no Redis; install redis-server, or point REDIS_URL to one.")
    socket_path, folder = redis_socket(data), data / "queue"
    private_folder(folder)
    private_folder(socket_path.parent)
    return [redis(program, socket_path, folder, environment, lock)]


if __name__ == "__main__":
    sys.exit(main())

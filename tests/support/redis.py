"""A real Redis for a test, on a unix socket in a temporary folder."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from artifacts_site.services import redis_program


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Start a Redis in a folder and yield its address as settings.REDIS_URL has it."""
    program, address = redis_program(), folder / "redis.sock"
    assert program is not None
    options = ["--port", "0", "--unixsocket", str(address), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([program, *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        with Redis(unix_socket_path=str(address)) as client:
            wait_for(client)
        yield f"redis+socket://{address}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_for(client: Redis) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return

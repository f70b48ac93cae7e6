"""The queue's own server: whether it answers, and the sign of life that a worker leaves there."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from redis import Redis

SIGN_SECONDS, SIGN_LASTS = 5, 20


@cache
def client() -> Redis:
    """Return the connection pool to the queue's Redis, one a process."""
    from redis import Redis  # here, for most commands never speak to the queue

    address = settings.REDIS_URL.replace("redis+socket://", "unix://", 1)
    return Redis.from_url(address, socket_connect_timeout=2, socket_timeout=2)


def answers() -> bool:
    """Tell whether the queue's server answers."""
    return bool(client().ping())


def _worker_key() -> str:
    # Of this run only: a queue that was kept on disk still holds the sign of the worker before.
    return f"strongroom:worker:{settings.RUN}"


def leave_sign() -> None:
    """Say that a worker is alive and takes tasks; the word fades unless it is repeated."""
    client().set(_worker_key(), "1", ex=SIGN_LASTS)


def worker_is_alive() -> bool:
    """Tell whether a worker left its sign lately."""
    return bool(client().exists(_worker_key()))

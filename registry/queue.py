"""The queue's own server: whether it answers, and the sign of life that a worker leaves there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

if TYPE_CHECKING:
    from redis import Redis

SIGN_SECONDS, SIGN_LASTS = 5, 20


@dataclass(frozen=True, slots=True)
class Server:
    """What serves the queue, its program where it tells that, and where it listens."""

    name: str
    version: str
    program: str
    place: str


@cache
def client() -> Redis:
    """Return the connection pool to the queue's Redis, one a process."""
    from redis import Redis  # here, for most commands never speak to the queue

    address = settings.REDIS_URL.replace("redis+socket://", "unix://", 1)
    return Redis.from_url(address, socket_connect_timeout=2, socket_timeout=2)


def answers() -> bool:
    """Tell whether the queue's server answers."""
    return bool(client().ping())


def server() -> Server | None:
    """Say what serves the queue; None when it does not answer."""
    from redis.exceptions import RedisError

    try:
        told: dict[str, Any] = client().info("server")
    except (RedisError, OSError):
        return None
    version = told.get("valkey_version") or told.get("redis_version")
    place = urlsplit(settings.REDIS_URL)
    # Never the whole address: it may hold a password.
    where = f"{place.hostname}:{place.port or 6379}" if place.hostname else "a socket in the data folder"
    return Server(
        "Valkey" if "valkey_version" in told else "Redis",
        str(version or "of unknown version"),
        str(told.get("executable") or ""),
        where,
    )


def _worker_key() -> str:
    # Of this run only: a queue that was kept on disk still holds the sign of the worker before.
    return f"strongroom:worker:{settings.RUN}"


def leave_sign() -> None:
    """Say that a worker is alive and takes tasks; the word fades unless it is repeated."""
    client().set(_worker_key(), "1", ex=SIGN_LASTS)


def worker_is_alive() -> bool:
    """Tell whether a worker left its sign lately."""
    return bool(client().exists(_worker_key()))


def send(task: str, *given: str, after: float = 0) -> None:
    """Have a worker take a task, by its name, with what it is given; raise Redis' error when it can't be told.

    With `after` it begins that many seconds later.
    """
    from celery import Celery  # here, for most processes never send any
    from kombu.exceptions import OperationalError
    from redis.exceptions import ConnectionError as RedisGone

    with Celery(broker=settings.REDIS_URL, set_as_current=False) as sender:
        sender.conf.update(task_serializer="json", broker_connection_retry=False)
        try:
            sender.send_task(task, args=given, ignore_result=True, retry=False, countdown=after or None)
        except OperationalError as error:
            # What every door knows how to tell: unavailable, to be tried again.
            raise RedisGone(str(error)) from error

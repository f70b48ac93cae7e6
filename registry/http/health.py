"""Whether each part of the installation is up."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import DatabaseError, connection
from redis.exceptions import RedisError

from registry import queue

log = logging.getLogger(__name__)


def parts() -> dict[str, str]:
    """Return "up" or "down" for web, database, queue and worker."""
    checks: dict[str, Callable[[], bool]] = {
        "web": lambda: True,
        "database": _database_answers,
        "queue": queue.answers,
        "worker": queue.worker_is_alive,
    }
    return {name: "up" if _holds(name, check) else "down" for name, check in checks.items()}


def _holds(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, RedisError, OSError) as error:
        log.debug("health: %s is down: %s", name, error)
        return False


def _database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())

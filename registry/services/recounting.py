"""Counting stored bytes when somebody asks: at once what takes a moment, by a worker what takes longer."""

from __future__ import annotations

import time
from contextlib import suppress

from django.core.cache import cache
from redis.exceptions import RedisError

from registry import queue
from registry.actor import Actor
from registry.models import Entity, StorageCount
from registry.policy import Act, check
from registry.schedule import COUNT, QUEUE_RETURN
from registry.services import survey

_TOLD_SECONDS = 1


def begin(actor: Actor, *, entity: Entity) -> StorageCount | None:
    """Count again; None when that is so much that a worker does it, of whom `progress` tells."""
    check(actor, Act.SET_POLICY, entity)
    if not survey.is_large(entity):
        return survey.count(entity)
    # One that is under way already is enough.
    if cache.add(_key(entity.pk), 0, timeout=int(QUEUE_RETURN.total_seconds())):
        try:
            queue.send(COUNT, str(entity.pk))
        except BaseException:
            cache.delete(_key(entity.pk))
            raise
    return None


def progress(actor: Actor, *, entity: Entity) -> int | None:
    """Say how far a count that somebody asked for is, in percent; None when none is under way."""
    check(actor, Act.VIEW, entity)
    # Nobody knows where the cache does not answer.
    with suppress(RedisError):
        found: int | None = cache.get(_key(entity.pk))
        return found
    return None


def work(entity_id: int) -> int:
    """Count as a worker does, and say how far it is; returns how many versions were looked at."""
    entity = Entity.objects.filter(pk=entity_id).first()
    try:
        return 0 if entity is None else survey.count(entity, tell=_Teller(entity_id)).versions
    finally:
        with suppress(RedisError):
            cache.delete(_key(entity_id))


class _Teller:
    """Writes the percentage down, once a second at most."""

    def __init__(self, entity_id: int) -> None:
        self._entity_id, self._told_at = entity_id, 0.0

    def __call__(self, percent: int) -> None:
        if time.monotonic() - self._told_at < _TOLD_SECONDS:
            return
        self._told_at = time.monotonic()
        with suppress(RedisError):
            cache.set(_key(self._entity_id), percent, timeout=int(QUEUE_RETURN.total_seconds()))


def _key(entity_id: int) -> str:
    return f"storage:counting:{entity_id}"

"""Waking the worker that tells webhooks: once a second at the most, by whoever wrote what they are to be told."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.core.cache import cache
from django.db import transaction
from redis.exceptions import RedisError

from registry import queue
from registry.models import Event
from registry.schedule import SEND_WEBHOOKS
from registry.services.webhook_kinds import ACTS

log = logging.getLogger(__name__)
_SECONDS = 1
_KEY = "webhooks:woken"


def of(events: Iterable[Event]) -> None:
    """Wake the worker once this transaction is done, where a webhook may want one of its events.

    The project at hand says whether it has any: nothing is read for that. The clock finds what is not heard.
    """
    # Not the attribute: of a project that was read in part, it would be read.
    if any(event.act in ACTS and event.place and vars(event.place).get("hooked") for event in events):
        transaction.on_commit(soon)


def soon() -> None:
    """Have the worker run in a second; whatever is committed until then is told with it."""
    try:
        if cache.add(_KEY, 1, _SECONDS):
            # One that is down says so at once; sending would try for seconds, with somebody waiting.
            queue.answers()
            queue.send(SEND_WEBHOOKS, after=_SECONDS)
    except (RedisError, OSError) as error:
        log.warning("The queue did not take what webhooks are to be told: %s", error)

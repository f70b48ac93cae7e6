"""How often, and how often at once, one host is asked: shared by all workers, through the cache."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from registry.errors import ReferenceUnreachable

log = logging.getLogger(__name__)

# How long a place is waited for, and how long a host may ask to be left alone: whoever wants longer is asked once
# in so long and says it again, for a single address of a host that many share must not close it to all for a day.
PATIENCE_SECONDS, LONGEST_REST = 20.0, 3600
_POLL_SECONDS = 0.05
# Of a Retry-After that says nothing that can be read.
_SHORT_REST = 60
_held: ContextVar[frozenset[str]] = ContextVar("held", default=frozenset())


class Resting(ReferenceUnreachable):
    """The host has enough requests, or asked to be left alone; `details.retry_after` says for how many seconds."""


@contextmanager
def slot(host: str, *, seconds: float | None = None) -> Iterator[None]:
    """Hold one of the places that a host has, waiting a moment for it; raises Resting when there is none.

    Places and rates are those of the settings. Who holds one gets no second: `Outside.http` asks for one itself.
    A place whose holder was killed comes free after `seconds`, by default a little more than a request may take.
    """
    if host in _held.get():
        yield
        return
    lease = seconds or settings.OUTBOUND.seconds + PATIENCE_SECONDS + 10
    place = _place(host, int(lease))
    token = _held.set(_held.get() | {host})
    try:
        yield
    finally:
        _held.reset(token)
        _free(place)


def rest(host: str, retry_after: str) -> None:
    """Remember that a host asked to be left alone: `retry_after` is the header of its answer, seconds or a date."""
    seconds = _seconds(retry_after)
    if seconds:
        _ask(lambda: cache.set(_key(host, "rest"), time.time() + seconds, seconds))


def rest_of(host: str) -> int:
    """Return for how many seconds a host is to be left alone yet, 0 when it may be asked."""
    until = _ask(lambda: cache.get(_key(host, "rest")))
    return max(0, int(until - time.time() + 0.999)) if until else 0


def _place(host: str, lease: int) -> tuple[str, str] | None:
    """Wait for a place and for the host's pace; None when the cache does not answer: then nothing is limited."""
    give_up, sign = time.monotonic() + PATIENCE_SECONDS, secrets.token_hex(8)
    while True:
        left = rest_of(host)
        if left and left > give_up - time.monotonic():
            raise Resting(f"{host} asked to be left alone for {left} seconds.", retry_after=left)
        try:
            found = None if left else _take(host, sign, lease)
        except (RedisError, OSError) as error:
            log.warning("The cache does not answer, and requests to %s are not limited: %s", host, error)
            return None
        if found is not None:
            return found, sign
        if time.monotonic() > give_up:
            raise Resting(f"{host} is asked by as many requests as are allowed at once.", retry_after=60)
        time.sleep(_POLL_SECONDS)


def _take(host: str, sign: str, lease: int) -> str | None:
    for number in range(settings.OUTBOUND.at_once):
        key = _key(host, f"place:{number}")
        if cache.add(key, sign, lease):
            if _is_in_pace(host):
                return key
            cache.delete(key)
            return None
    return None


def _is_in_pace(host: str) -> bool:
    """Count a request of this second, if there are not too many of them."""
    second = _key(host, f"second:{int(time.time())}")
    cache.add(second, 0, 5)
    return bool(cache.incr(second) <= settings.OUTBOUND.rate)


def _free(place: tuple[str, str] | None) -> None:
    if place is None:
        return
    key, sign = place
    # Only one's own: a place that was held for too long may be another's by now.
    if _ask(lambda: cache.get(key)) == sign:
        _ask(lambda: cache.delete(key))


def _ask(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except (RedisError, OSError) as error:
        log.warning("The cache does not answer: %s", error)
        return None


def _key(host: str, what: str) -> str:
    # A host's name may be longer than a key, or hold what none has.
    return f"outbound:{hashlib.sha256(host.encode()).hexdigest()[:32]}:{what}"


def _seconds(retry_after: str) -> int:
    text = retry_after.strip()
    if not text:
        return 0
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), LONGEST_REST)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return _SHORT_REST
    return max(0, min(int(until - time.time() + 0.999), LONGEST_REST))

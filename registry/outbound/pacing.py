"""How often, and how often at once, one host is asked: shared by all workers, through the cache."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import ReferenceUnreachable


class Resting(ReferenceUnreachable):
    """The host has enough requests, or asked to be left alone; `details.retry_after` says for how many seconds."""


@contextmanager
def slot(host: str) -> Iterator[None]:
    """Hold one of the places that a host has, waiting a moment for it; raises Resting when there is none."""
    yield

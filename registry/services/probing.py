"""Whether the storage of blobs works, told step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from django.conf import settings
from django.core.files.storage import storages

from registry.actor import Actor
from registry.errors import InvalidInput
from registry.policy import Act, check
from registry.storage import backends
from registry.storage.probing import Probe, Step

__all__ = ["Step", "run"]


def run(actor: Actor, *, place: Literal["current", "other"] = "current", origin: str = "") -> Iterator[Step]:
    """Try the storage out from this server, and by signed links as from a browser of an origin."""
    check(actor, Act.ADMINISTER, None)
    if place == "other" and "other_blobs" not in settings.STORAGES:
        raise InvalidInput("There is no other storage: STRONGROOM_OTHER_BLOBS is not set.")
    backend = backends.of(storages["blobs" if place == "current" else "other_blobs"])
    yield Step("Storage", Step.DONE, backend.place)
    for step in Probe(backend, origin).run():
        yield step if place == "current" else _of_other(step)


def _of_other(step: Step) -> Step:
    """Name the settings of the other storage, where a storage names its own."""
    said, mend = (
        text.replace("STRONGROOM_BLOBS_", "STRONGROOM_OTHER_BLOBS_") for text in (step.said, step.mend)
    )
    return replace(step, said=said, mend=mend)

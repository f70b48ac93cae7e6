"""The outside as the server may reach it for an entity, and what a reference finds there."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.core.entries import Entry

from registry.actor import Actor
from registry.models import Entity, ReferenceOrder


def judge(actor: Actor, entity: Entity, uri: str, name: str, *, checksum: bool) -> None:
    """Raise unless the server may go where a reference points: before anything is queued, and without going there."""
    raise NotImplementedError


def found(actor: Actor, entity: Entity, order: ReferenceOrder) -> Iterator[Entry]:
    """Give what a reference names as entries, behind what earlier tries have found."""
    raise NotImplementedError

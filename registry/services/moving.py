"""Moving an installation from one storage of blobs to another while it runs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.core.files.storage import storages

from registry.actor import Actor
from registry.errors import InvalidInput, Unavailable
from registry.policy import Act, check
from registry.storage import StoreError, backends
from registry.storage.moving import Copied, Move

Place = Literal["current", "other"]
Tell = Callable[[str, Copied], None]
_ALIASES = {"current": "blobs", "other": "other_blobs"}


def copy(
    actor: Actor, *, source: Place, target: Place, threads: int = 4, read_back: bool = True, tell: Tell
) -> Copied:
    """Copy every object from one storage to the other, verified; goes on where a run before was interrupted."""
    move = _move(actor, source, target, threads, read_back, tell)
    try:
        return move.run(_reached(target))
    except StoreError as error:
        raise Unavailable(f"{error} What was copied is kept: run this again.") from error


def preview(actor: Actor, *, source: Place, target: Place, threads: int = 4, tell: Tell) -> Copied:
    """Count what the target lacks."""
    move = _move(actor, source, target, threads, True, tell)
    try:
        return move.missing()
    except StoreError as error:
        raise Unavailable(str(error)) from error


def _move(actor: Actor, source: Place, target: Place, threads: int, read_back: bool, tell: Tell) -> Move:
    check(actor, Act.ADMINISTER, None)
    if source == target:
        raise InvalidInput("Copy from current to other, or from other to current.")
    if "other_blobs" not in settings.STORAGES:
        raise InvalidInput(
            "There is no other storage. Set STRONGROOM_OTHER_BLOBS and what belongs to it to the one to move to "
            "(or from): docs/object-stores.md tells how."
        )
    ports = {place: backends.of(storages[alias]) for place, alias in _ALIASES.items()}
    return Move(ports[source], ports[target], threads, read_back, tell, lambda after: _keep(target, after))


def _file() -> Path:
    return Path(settings.DATA_DIR) / "moving"


def _identity(place: Place) -> str:
    """Return what tells a storage from another; a digest, since its settings may hold secrets."""
    return hashlib.sha256(repr(settings.STORAGES[_ALIASES[place]]).encode()).hexdigest()


def _reached(target: Place) -> int:
    """Return the id up to which all objects are in the target, and verified there."""
    with suppress(OSError, ValueError, KeyError):
        kept = json.loads(_file().read_text())
        if kept["target"] == _identity(target):
            return int(kept["after"])
    return 0


def _keep(target: Place, after: int) -> None:
    """Note the place; a run that loses this only verifies again what it copied."""
    draft = _file().with_name("moving-new")
    draft.write_text(json.dumps({"target": _identity(target), "after": after}))
    os.replace(draft, _file())

"""Objects of many pieces: written once, one fsync and one row for thousands of pieces."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import IntegrityError, transaction

from registry.errors import Damaged, Unavailable
from registry.models.blobs import StoredObject
from registry.storage import backends
from registry.storage.durable import IncomingFile, as_storage_error, disk_errors, incoming_file
from registry.storage.limits import PACK_MAX
from registry.storage.ranges import Range
from registry.storage.rows import database_errors
from registry.storage.trouble import StoreError, Trouble

log = logging.getLogger(__name__)
HEAL = "Tell the administrator; uploading the same bytes again heals them."

Place = tuple[StoredObject, int, int]


def new_name(kind: str) -> str:
    """Return a name that was never used, spread over 256 folders."""
    key = uuid.uuid4().hex
    return f"{kind}/{key[:2]}/{key}"


def publish(file: IncomingFile, name: str) -> None:
    """Make a temporary file the object `name`, durably."""
    file.sync()
    adopt(file.path, name, file.size)


def adopt(path: Path, name: str, size: int, *, keep: bool = False) -> None:
    """Make a synced file the object `name`, and see that it is there as long as it should be; else there is none."""
    backend = backends.current()
    try:
        backend.adopt(path, name, keep=keep)
        kept = _size(backend, name)
    except StoreError:
        # Whether it is there nobody knows: the store may have answered, and the answer got lost.
        discard(name)
        raise
    if kept != size:
        discard(name)
        raise StoreError(Trouble.CHANGED, f"{name} has {kept} bytes instead of {size}")


def _size(backend: backends.Backend, name: str) -> int:
    try:
        return backend.size(name)
    except FileNotFoundError:
        return -1


def discard(name: str) -> None:
    """Delete an object without rows; one that the store does not delete now is collected later."""
    try:
        backends.current().delete(name)
    except OSError as error:
        log.warning("%s is left to the collector, since the store did not delete it: %s", name, error)


class Outcome:
    """What becomes of an object whose rows are being written."""

    wanted = True

    def drop(self, stored: StoredObject) -> None:
        """Give the object up: others brought the same bytes first."""
        stored.delete()
        self.wanted = False


@contextmanager
def recorded(name: str) -> Iterator[Outcome]:
    """Write the rows of an object just published, in one transaction; without them it is deleted again.

    When the commit itself fails nobody knows whether the rows are there, so the object stays: an
    object without rows is swept later, but rows without an object would be bytes lost.
    """
    outcome = Outcome()
    undone = True
    try:
        with database_errors(), _claimed(), transaction.atomic():
            yield outcome
            undone = False
    except BaseException:
        if undone:
            discard(name)
        raise
    if not outcome.wanted:
        discard(name)


@contextmanager
def _claimed() -> Iterator[None]:
    """Name what it means when somebody has the object's name: the collector took it for one that nobody wanted."""
    try:
        yield
    except IntegrityError as error:
        raise Unavailable(
            "The bytes lay unused for longer than they are kept, and were cleaned up. Send them again."
        ) from error


def hold_objects(ids: Collection[int]) -> None:
    """Keep objects, inside a transaction that writes rows for them; refuse when one is about to be deleted."""
    if ids:
        live = StoredObject.objects.filter(pk__in=ids, state=StoredObject.State.LIVE).order_by("pk")
        if len(live.select_for_update().values_list("pk")) < len(ids):
            raise Unavailable(
                "This took longer than unused bytes are kept, and they were cleaned up. Send it again."
            )


def write_pieces(pieces: Iterable[bytes]) -> list[Place]:
    """Store pieces durably, in order, and return where each one lies."""
    places: list[Place] = []
    waiting = iter(pieces)
    while written := _write_object(waiting):
        places += written
    return places


def _write_object(pieces: Iterator[bytes]) -> list[Place]:
    spans: list[tuple[int, int]] = []
    name = new_name("nodes")
    with incoming_file() as file:
        for piece in pieces:
            spans.append((file.size, len(piece)))
            file.write(piece)
            if file.size >= PACK_MAX:
                break
        if not spans:
            return []
        publish(file, name)
    with recorded(name):
        stored = StoredObject.objects.create(name=name, size=file.size)
    return [(stored, offset, length) for offset, length in spans]


def open_piece(name: str, offset: int, length: int) -> Range:
    """Open a stretch of an object; raise Damaged when the object doesn't reach that far."""
    try:
        opened = backends.current().open(name, offset, length)
    except FileNotFoundError as error:
        raise Damaged(f"Stored bytes are missing. {HEAL}") from error
    except OSError as error:
        raise as_storage_error(error) from error
    if opened.length < length:
        opened.close()
        raise Damaged(f"Stored bytes are cut short. {HEAL}")
    return opened


def read_piece(stored: StoredObject, offset: int, length: int) -> bytes:
    """Return one piece; the caller verifies it, since only the caller knows its digest."""
    return read_stretch(stored.name, offset, length)


def read_stretch(name: str, offset: int, length: int) -> bytes:
    """Return a stretch of an object, unverified; raise Damaged when the object doesn't reach that far."""
    with disk_errors(), open_piece(name, offset, length) as opened:
        data = opened.read()
    if len(data) < length:
        raise Damaged(f"Stored bytes are cut short. {HEAL}")
    return data

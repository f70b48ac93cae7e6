"""Objects that nobody needs: first doomed, durably; their bytes go a round later.

A row that is deleted and a file that is unlinked are two things, and a power cut may undo the first and not the
second. So what has no rows any more is noted as doomed, and only what was doomed some time ago loses its bytes:
readers that looked up a place a moment before still find it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from registry.models.blobs import Blob, StoredObject
from registry.models.manifests import Chunk
from registry.storage import backends
from registry.storage.backends.base import Listed

log = logging.getLogger(__name__)
_BATCH = 500
LIVE, DOOMED = StoredObject.State.LIVE, StoredObject.State.DOOMED


def unused(before: datetime) -> QuerySet[StoredObject]:
    """Objects without a row in them that are older than `before`: younger ones may be about to get theirs."""
    return _without_rows(StoredObject.objects.filter(state=LIVE, created_at__lt=before))


def _without_rows(rows: QuerySet[StoredObject]) -> QuerySet[StoredObject]:
    blobs, chunks = Blob.objects.filter(object=OuterRef("pk")), Chunk.objects.filter(object=OuterRef("pk"))
    return rows.filter(~Exists(blobs), ~Exists(chunks))


def doom(before: datetime, at: datetime) -> Iterator[int]:
    """Doom unused objects; give how many after each batch."""
    while True:
        with transaction.atomic():
            held = unused(before).order_by("pk").select_for_update(of=("self",))
            ids = list(held.values_list("pk", flat=True)[:_BATCH])
            # Judged again, now that nobody can add rows: they hold these objects while they do.
            doomed = _without_rows(StoredObject.objects.filter(pk__in=ids, state=LIVE)).update(
                state=DOOMED, doomed_at=at
            )
        if not doomed:
            return
        yield doomed


class Deleted(NamedTuple):
    """What became of one object: deleted with its bytes, or refused by the storage."""

    objects: int = 0
    size: int = 0
    refused: int = 0


def delete_doomed(before: datetime, stops: tuple[type[BaseException], ...]) -> Iterator[Deleted]:
    """Delete the bytes of what was doomed before a moment, then its row; tell of each.

    An object that the storage fails to delete keeps its row, and is tried again the next time; `stops` are the
    errors that end all work instead.
    """
    last = 0
    while rows := list(_due(before).filter(pk__gt=last).order_by("pk")[:_BATCH]):
        last = rows[-1].pk
        for row in rows:
            if not _revive(row):
                yield Deleted(1, row.size) if _delete(row, stops) else Deleted(refused=1)


def _due(before: datetime) -> QuerySet[StoredObject]:
    return StoredObject.objects.filter(state=DOOMED, doomed_at__lt=before)


def _delete(row: StoredObject, stops: tuple[type[BaseException], ...]) -> bool:
    try:
        backends.current().delete(row.name)
    except stops:
        raise
    except Exception as error:  # noqa: BLE001  # whatever the storage raises: its libraries have their own trees
        log.warning(
            "The storage did not delete %s, which is tried again at the next round: %s", row.name, error
        )
        return False
    StoredObject.objects.filter(pk=row.pk, state=DOOMED).delete()
    return True


def _revive(row: StoredObject) -> bool:
    """Take back the doom of an object that has rows after all: a last look before its bytes go."""
    with transaction.atomic():
        held = StoredObject.objects.select_for_update().filter(pk=row.pk, state=DOOMED)
        if not held.exists() or _without_rows(held).exists():
            return False
        log.error("%s was to be deleted and is in use: it is kept.", row.name)
        held.update(state=LIVE, doomed_at=None)
    return True


def claim_orphans(before: datetime, at: datetime) -> Iterator[tuple[int, int]]:
    """Take what the storage holds without a row, and doom it; give objects and bytes after each batch.

    Such is left by a process that died between an object and its rows. The name is taken first: whoever is about to
    write those rows after all finds it taken, and sends the bytes again.
    """
    for some in _unknown(before):
        yield _claim(some, at)


def orphans(before: datetime) -> Iterator[Listed]:
    """Give what `claim_orphans` would take."""
    for some in _unknown(before):
        yield from some


def _unknown(before: datetime) -> Iterator[list[Listed]]:
    """Give what is old enough and has no row, some at a time."""
    waiting = (listed for listed in backends.current().walk() if listed.modified < before)
    while some := list(islice(waiting, _BATCH)):
        names = StoredObject.objects.filter(name__in=[listed.name for listed in some])
        known = set(names.values_list("name", flat=True))
        yield [listed for listed in some if listed.name not in known]


def _claim(some: list[Listed], at: datetime) -> tuple[int, int]:
    fresh = [
        StoredObject(
            name=listed.name, size=listed.size, state=DOOMED, created_at=listed.modified, doomed_at=at
        )
        for listed in some
    ]
    StoredObject.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh), sum(row.size for row in fresh)

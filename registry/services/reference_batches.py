"""What references were resolved to, until the commit: entries in batches, written once and read in order."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Iterator

from strongroom.core.entries import Entry
from strongroom.core.ndjson import read_lines, write_lines

from registry.models import ReferenceBatch, ReferenceOrder
from registry.models.references import BATCH

# A batch that is not full is kept after this long, so that progress shows where objects come slowly.
_FLUSH_SECONDS = 5.0


def cut(entries: Iterable[Entry], after: str) -> Iterator[tuple[list[Entry], bool]]:
    """Cut a stream into batches; say of each whether it goes on in path order behind `after` and those before."""
    batch: list[Entry] = []
    in_order, last, began = True, after, time.monotonic()
    for entry in entries:
        batch.append(entry)
        in_order, last = in_order and entry.path > last, entry.path
        if len(batch) == BATCH or time.monotonic() - began > _FLUSH_SECONDS:
            yield batch, in_order
            batch, began = [], time.monotonic()
    if batch:
        yield batch, in_order


def keep(order: ReferenceOrder, number: int, entries: list[Entry]) -> None:
    """Write one batch."""
    data = zlib.compress(b"".join(write_lines(entries)), 6)
    ReferenceBatch.objects.create(order=order, number=number, entry_count=len(entries), data=data)


def read(order: ReferenceOrder) -> Iterator[Entry]:
    """Give all that a reference was resolved to, a batch in memory at a time."""
    for number in range(order.batch_count):
        data = ReferenceBatch.objects.values_list("data", flat=True).get(order=order, number=number)
        yield from read_lines([zlib.decompress(bytes(data))])

"""What references were resolved to, until the commit: entries in batches, written once and read in order."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterable, Iterator

from strongroom.core.entries import Entry

from registry.models import ReferenceBatch, ReferenceOrder
from registry.models.references import BATCH

# A batch that is not full is kept after this long, so that progress shows where objects come slowly.
_FLUSH_SECONDS = 5.0
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


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
    rows = [(each.path, each.digest, each.size, each.ref, each.extra) for each in entries]
    data = zlib.compress(_encode(rows).encode(), 1)
    ReferenceBatch.objects.create(order=order, number=number, entry_count=len(entries), data=data)


def read(order: ReferenceOrder) -> Iterator[Entry]:
    """Give all that a reference was resolved to, a batch in memory at a time."""
    for number in range(order.batch_count):
        data = ReferenceBatch.objects.values_list("data", flat=True).get(order=order, number=number)
        # Checked as they were found: to read them as a client's lines would take most of the time of a commit.
        for path, digest, size, ref, extra in json.loads(zlib.decompress(bytes(data))):
            yield Entry(path, digest, size, None, ref, extra)

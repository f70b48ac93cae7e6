"""Bundles: many small blobs in one body become one object, one fsync and one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils import timezone

from registry.models.blobs import Blob, StoredObject
from registry.models.teams import Entity
from registry.storage import frames
from registry.storage.backends.base import Readable
from registry.storage.durable import IncomingFile, incoming_file
from registry.storage.limits import bundle_limit
from registry.storage.objects import new_name, publish, recorded
from registry.storage.rows import NewBlob, insert_blobs, renew


@dataclass(frozen=True)
class BundleResult:
    """How many of the frames were new, and how many were there already."""

    stored: int
    known: int


@dataclass
class _Pack:
    """The new blobs of a bundle, as they lie in the object being written."""

    scope: Entity
    file: IncomingFile
    blobs: list[NewBlob] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    # What the store had before, of what came.
    had: set[bytes] = field(default_factory=set)
    known: int = 0

    def take(self, batch: frames.Batch) -> None:
        """Write what is new, with the heads: a pack can be read by itself, and sent on in long stretches."""
        facts = Blob.objects.all().facts(self.scope, {frame.sha256 for frame in batch.frames})
        sound = {fact.sha256 for fact in facts if not fact.damaged} - self.seen
        self.had |= sound
        self.seen |= sound
        # Neighbours are written together; only known frames interrupt.
        first = stop = 0
        for frame in batch.frames:
            if frame.sha256 in self.seen:
                self.known += 1
                continue
            if frame.start != stop:
                self.file.write(batch.data[first:stop])
                first = frame.start
            self.seen.add(frame.sha256)
            self.blobs.append(
                NewBlob(
                    frame.sha256,
                    frame.md5,
                    frame.size,
                    self.file.size + frame.start - first + frames.HEAD.size,
                )
            )
            stop = frame.start + frames.HEAD.size + frame.size
        self.file.write(batch.data[first:stop])


def receive_bundle(
    scope: Entity, stream: Readable, length: int | None, *, judge: Callable[[int], None] | None = None
) -> BundleResult:
    """Store the frames of a body for a scope: all of them, durably, or none.

    Frames that are known already are verified and skipped; a blob known to be damaged is healed. `judge` is told how
    many bytes are new, in the transaction that writes their rows, and may refuse them.
    """
    name = new_name("packs")
    with incoming_file() as file:
        pack = _Pack(scope, file)
        for batch in frames.read_batches(stream, length, bundle_limit()):
            pack.take(batch)
        renew(scope, pack.had)
        if not pack.blobs:
            return BundleResult(0, pack.known)
        publish(file, name)
    with recorded(name) as outcome:
        if judge is not None:
            judge(sum(blob.size for blob in pack.blobs))
        now = timezone.now()
        stored = StoredObject.objects.create(name=name, size=file.size, created_at=now)
        inserted = insert_blobs(scope, stored, pack.blobs, now)
        if not inserted:
            # Another bundle brought the same blobs in the meantime.
            outcome.drop(stored)
    return BundleResult(inserted, pack.known + len(pack.blobs) - inserted)

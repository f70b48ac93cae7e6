"""Sending a large file to the object store itself, part by part, each by a request that the server signed for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO

from strongroom import hashing
from strongroom._http import Session, route
from strongroom.errors import StrongroomError, Unreachable
from strongroom.record import Body
from strongroom.staging import Staging
from strongroom.store import Item
from strongroom.transfer.bucket import AddressExpired, Bucket
from strongroom.transfer.inflight import BLOCK, RunningHash, window
from strongroom.transfer.pool import BoundedPool

if TYPE_CHECKING:
    from strongroom.transfer.uploads import Part, Upload, Watch

SENDERS = 3
# An address that was refused so often is not too old: the bytes are not those that it was signed for.
MOST_ADDRESSES = 3


class BucketUnreachable(Unreachable):
    """The object store never answered from here: what it does not take goes by way of the server."""


class DirectSender:
    """Sends the parts of uploads that the object store takes itself."""

    def __init__(self, session: Session, staging: Staging | None) -> None:
        self._session, self._staging = session, staging
        self.bucket = Bucket()

    def send(self, item: Item, upload: Upload, running: RunningHash | None, watch: Watch) -> None:
        """Send what the store lacks, several parts at once; hash everything in order when a hash is running.

        Raises BucketUnreachable when no connection to the store was ever made.
        """
        with hashing.open_item(item, self._staging) as file, BoundedPool(SENDERS) as pool:
            for part in upload.parts:
                lacking = part.received < part.size
                if not lacking:
                    watch(part.size)
                if lacking or running is not None:
                    checksum = _digest(item, file, part, upload.direct or "sha256", running)
                if lacking:
                    pool.submit(self._send_part, item, upload, part, checksum, pool.watched(watch))

    def _send_part(self, item: Item, upload: Upload, part: Part, checksum: str, watch: Watch) -> None:
        patience, refused = self._session.patience(), 0
        while True:
            sent = Count(watch)
            try:
                self._put(item, upload, part, checksum, sent)
            except AddressExpired as error:
                refused += 1
                if refused == MOST_ADDRESSES:
                    raise hashing.changed(item) from error
            except Unreachable as error:
                if not self.bucket.in_contact:
                    raise BucketUnreachable(error.message) from error
                patience.wait(error)
            except StrongroomError as error:
                patience.wait(error)
            else:
                return
            watch(-sent.total)

    def _put(self, item: Item, upload: Upload, part: Part, checksum: str, watch: Watch) -> None:
        place = route("uploads", upload.id, "parts", part.number, "address")
        link = Body(self._session.json("POST", place, {"checksum": checksum}), "where a part goes")
        headers = {str(name): str(value) for name, value in dict(link.found.get("headers") or {}).items()}
        headers.setdefault("Content-Length", str(part.size))
        with hashing.open_item(item, self._staging) as file:
            blocks = window(item, file, part.offset, part.size, None, watch)
            self.bucket.put(link.text("method"), link.text("url"), headers, blocks)


def _digest(item: Item, file: BinaryIO, part: Part, kind: str, running: RunningHash | None) -> str:
    """Return the digest by which the store compares a part, feeding the hash of the whole file meanwhile."""
    # MD5 where the store knows nothing else; the server reads the whole back and trusts its SHA-256 only.
    computed = hashlib.new(kind, usedforsecurity=False)
    file.seek(part.offset)
    at, end = part.offset, part.offset + part.size
    while at < end:
        block = file.read(min(BLOCK, end - at))
        if not block:
            raise hashing.changed(item)
        if running is not None:
            running.feed(at, memoryview(block))
        computed.update(block)
        at += len(block)
    return computed.hexdigest()


class Count:
    """Passes counts on and keeps their sum, so that what has to be sent again can be taken back."""

    def __init__(self, watch: Watch) -> None:
        self.total, self._watch = 0, watch

    def __call__(self, count: int) -> None:
        self.total += count
        self._watch(count)

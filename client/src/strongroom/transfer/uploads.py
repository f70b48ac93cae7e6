"""Resumable uploads of large blobs: what arrived is never sent again, whoever died."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from strongroom import hashing
from strongroom._http import Session, route
from strongroom.errors import BadAnswer, Conflict, DigestMismatch, NotFound, StrongroomError
from strongroom.record import Body
from strongroom.staging import Staging
from strongroom.store import Item
from strongroom.transfer.direct import BucketUnreachable, Count, DirectSender
from strongroom.transfer.inflight import RunningHash, window
from strongroom.transfer.journal import Journal

# How much one request carries: so much that its overhead vanishes, so little that proxies let it through.
PIECE = 256 << 20
# A link this slow is a distant one, on which several connections carry more than one.
SLOW_LINK = 0.010
WIDEN_FROM = 128 << 20
PART_SIZE = 64 << 20
MOST_PARTS = 8
MOST_DETOURS = 20
SETTLE_SECONDS = 0.2
Watch = Callable[[int], None]


@dataclass(slots=True)
class Part:
    """A stretch of an upload, and how much of it the server has."""

    number: int
    offset: int
    size: int
    received: int


@dataclass(slots=True)
class Upload:
    """An upload as the server describes it."""

    id: str
    parts: list[Part]
    # The kind of digest by which the object store compares a part that it takes itself; None: the server takes them.
    direct: str | None = None

    @classmethod
    def parse(cls, found: Any, size: int) -> Upload:
        """Read an answer, and check that its parts are the whole file and nothing else."""
        body = Body(found, "an upload")
        parts, at = [], 0
        for entry in body.found.get("parts") or []:
            described = Body(entry, "a part of an upload")
            part = Part(*(described.number(name) for name in ("number", "offset", "size", "received")))
            if part.offset != at or part.received > part.size:
                raise BadAnswer("The server described an upload whose parts do not follow each other.")
            at += part.size
            parts.append(part)
        if at != size:
            raise BadAnswer("The server described an upload of another size than that of the file.")
        return cls(body.text("id"), parts, body.optional_text("direct"))


def is_distant(session: Session) -> bool:
    """Tell whether the link is one that a single connection does not fill."""
    return session.round_trip() > SLOW_LINK


class Uploader:
    """Sends the large blobs of one draft."""

    def __init__(
        self, session: Session, draft_id: str, staging: Staging | None, journal: Journal | None
    ) -> None:
        self._session, self._draft_id = session, draft_id
        self._staging, self._journal = staging, journal
        self._direct: DirectSender | None = DirectSender(session, staging)

    def send(self, item: Item, watch: Watch) -> None:
        """Send a file whose SHA-256 is known; an upload of it that was begun before is continued."""
        size, parts = item.size or 0, 1
        if is_distant(self._session) and size >= WIDEN_FROM:
            parts = min(MOST_PARTS, -(-size // PART_SIZE))
        sha256 = (item.sha256 or b"").hex()
        wish = {"size": size, "sha256": sha256, "parts": parts}
        upload = self._bring(item, self._begin(wish), wish, None, watch)
        try:
            self._session.json("POST", route("uploads", upload.id, "complete"), {"sha256": sha256})
        except DigestMismatch as error:
            raise hashing.changed(item) from error

    def send_hashing(self, item: Item, watch: Watch) -> bytes:
        """Send a file of a size that the server has never seen, and return the SHA-256 learnt meanwhile."""
        upload, resumed = self._begin_or_resume(item)
        try:
            return self._send_and_complete(item, upload, watch)
        except DigestMismatch:
            if not resumed:
                raise hashing.changed(item) from None
            # What an earlier process sent was of another file of this name and size.
            self._forget(item)
            upload, _ = self._begin_or_resume(item)
            return self._send_and_complete(item, upload, watch)

    def _send_and_complete(self, item: Item, upload: Upload, watch: Watch) -> bytes:
        running = RunningHash()
        used = self._bring(item, upload, {"size": item.size or 0, "parts": 1}, running, watch)
        if used is not upload and self._journal:
            self._journal.note(item.path, used.id)
        digest = running.digest()
        self._session.json("POST", route("uploads", used.id, "complete"), {"sha256": digest.hex()})
        self._forget(item)
        return digest

    def _begin_or_resume(self, item: Item) -> tuple[Upload, bool]:
        size = item.size or 0
        known = self._journal.uploads.get(item.path) if self._journal else None
        if known is not None:
            try:
                return Upload.parse(self._session.json("GET", route("uploads", known)), size), True
            except NotFound:
                self._forget(item)
        upload = self._begin({"size": size, "parts": 1})
        if self._journal:
            self._journal.note(item.path, upload.id)
        return upload, False

    def _forget(self, item: Item) -> None:
        if self._journal:
            self._journal.note(item.path, None)

    def _begin(self, wish: dict[str, Any]) -> Upload:
        asked = {**wish, "direct": self._direct is not None}
        found = self._session.json("POST", route("drafts", self._draft_id, "uploads"), asked)
        return Upload.parse(found, wish["size"])

    def _bring(
        self, item: Item, upload: Upload, wish: dict[str, Any], running: RunningHash | None, watch: Watch
    ) -> Upload:
        """Send all parts, and return the upload that they went by: another one where the store is out of reach."""
        if upload.direct:
            try:
                (self._direct or DirectSender(self._session, self._staging)).send(
                    item, upload, running, watch
                )
                return upload
            except BucketUnreachable as error:
                warnings.warn(f"{error.message} What is uploaded goes by way of the server.", stacklevel=2)
                self._direct = None
                upload = self._begin(wish)
        if running is not None or len(upload.parts) == 1:
            for part in upload.parts:
                self._send_part(item, upload, part, running, watch)
        else:
            with ThreadPoolExecutor(len(upload.parts)) as pool:
                jobs = [
                    pool.submit(self._send_part, item, upload, part, None, watch) for part in upload.parts
                ]
                for job in jobs:
                    job.result()
        return upload

    def _send_part(
        self, item: Item, upload: Upload, part: Part, running: RunningHash | None, watch: Watch
    ) -> None:
        watch(part.received)
        with hashing.open_item(item, self._staging) as file:
            patience, detours = self._session.patience(), 0
            while part.received < part.size:
                before = part.received
                start, length = part.offset + before, min(PIECE, part.size - before)
                if running is not None:
                    running.catch_up(file, start)
                sent = Count(watch)
                try:
                    part.received = self._put(
                        upload, part, window(item, file, start, length, running, sent), length
                    )
                except Conflict as error:  # another offset, or an older connection of ours that still writes
                    detours += 1
                    if detours > MOST_DETOURS:
                        raise
                    part.received = _offset(error, part) or self._settled(upload, part, item)
                except StrongroomError as error:
                    patience.wait(error)
                    part.received = self._settled(upload, part, item)
                if part.received > before:
                    patience.progress()
                watch(part.received - before - sent.total)
            if running is not None:
                running.catch_up(file, part.offset + part.size)

    def _put(self, upload: Upload, part: Part, blocks: Any, length: int) -> int:
        headers = {
            "Upload-Offset": str(part.received), "Content-Length": str(length),
            "Content-Type": "application/octet-stream",
        }  # fmt: skip
        answer = self._session.once("PUT", route("uploads", upload.id, "parts", part.number), blocks, headers)
        received = Body(answer, "the state of a part").number("received")
        if received > part.size:
            raise BadAnswer("The server says that it received more than the part has.")
        return received

    def _settled(self, upload: Upload, part: Part, item: Item) -> int:
        """Ask how much arrived until the answer stays: what a broken connection held may still be on its way in."""
        received = self._ask(upload, part, item)
        for _ in range(MOST_DETOURS):
            time.sleep(SETTLE_SECONDS)
            earlier, received = received, self._ask(upload, part, item)
            if received == earlier:
                break
        return received

    def _ask(self, upload: Upload, part: Part, item: Item) -> int:
        found = Upload.parse(self._session.json("GET", route("uploads", upload.id)), item.size or 0)
        return next((known.received for known in found.parts if known.number == part.number), 0)


def _offset(error: Conflict, part: Part) -> int | None:
    """Return where the server says to go on, if it says so."""
    received = error.details.get("received")
    if isinstance(received, bool) or not isinstance(received, int) or not 0 <= received <= part.size:
        return None
    return received

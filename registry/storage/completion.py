"""Completing an upload: hashed, joined, durable, and only then a blob."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils import timezone

from registry.errors import Conflict, DigestMismatch, IncompleteBody, NotFound
from registry.models.blobs import Blob, StoredObject
from registry.models.uploads import Upload
from registry.storage import direct as bucket
from registry.storage import parts as files
from registry.storage.durable import disk_errors
from registry.storage.hashing import Digests, TwinHash
from registry.storage.helper import Helper
from registry.storage.limits import PIECE
from registry.storage.objects import adopt, discard, new_name, recorded
from registry.storage.rows import NewBlob, insert_blobs, renew
from registry.storage.uploads import abandon_upload, progress, states
from registry.storage.writeback import Writeback

COPY = 16 * PIECE


def complete_upload(upload: Upload, sha256: bytes) -> Blob:
    """Make an upload whose parts all arrived a blob, durably; a wrong digest discards the upload.

    Safe to repeat, and to call twice at once: the second waits and gets the same answer.
    """
    if done := _completed(upload, sha256):
        return done
    with disk_errors(), files.given_up(), files.completing(upload.id):
        upload = _again(upload)
        if done := _completed(upload, sha256):
            files.remove(upload.id)
            return done
        if upload.sha256 not in (None, sha256):
            raise Conflict(
                "This upload was begun for another SHA-256. Complete it with that one, or begin anew."
            )
        blob = _complete_direct(upload, sha256) if upload.is_direct else _complete(upload, sha256)
    files.remove(upload.id)
    return blob


def _complete(upload: Upload, sha256: bytes) -> Blob:
    numbers = _insist_on_all(upload)
    state = states.take(upload.id, upload.size) if upload.size else None
    whole, digests = _assemble(upload, numbers, state.digests() if state else None)
    if digests.sha256 != sha256:
        abandon_upload(upload)
        raise _other_bytes(digests, sha256)
    # A name of its own at each try: what a server that died before the rows has left is collected, and may be under
    # the collector's hands at this moment. The parts stay until the rows are there, so nothing is sent twice.
    name = new_name("large")
    adopt(whole, name, upload.size, keep=True)
    return _record(upload, name, digests)


def _complete_direct(upload: Upload, sha256: bytes) -> Blob:
    if bucket.is_known(upload):
        _insist_on_all(upload)
    try:
        digests, size = bucket.assemble(upload)
    except NotFound:
        abandon_upload(upload)
        raise
    # Not every store keeps to the size that a part's address is bound to; the quota was asked for this one.
    if digests.sha256 != sha256 or size != upload.size:
        discard(upload.object_name)
        abandon_upload(upload)
        if size != upload.size:
            raise DigestMismatch(
                f"{size} bytes arrived in the store, not the {upload.size} that were announced. They were discarded: "
                "begin a new upload of the right size.",
                sha256=sha256.hex(),
            )
        raise _other_bytes(digests, sha256)
    return _record(upload, upload.object_name, digests)


def _other_bytes(found: Digests, sha256: bytes) -> DigestMismatch:
    return DigestMismatch(
        f"The bytes that arrived have SHA-256 {found.sha256.hex()}, not {sha256.hex()}. "
        "They were discarded: read the file again and send it anew.",
        sha256=sha256.hex(),
    )


def _again(upload: Upload) -> Upload:
    try:
        return Upload.objects.get(pk=upload.pk)
    except Upload.DoesNotExist:
        files.remove(upload.pk)
        raise _gone() from None


def _gone() -> NotFound:
    return NotFound("There is no such upload. Begin a new one.")


def _completed(upload: Upload, sha256: bytes) -> Blob | None:
    if upload.state != Upload.State.COMPLETE:
        return None
    if upload.sha256 != sha256:
        raise Conflict("This upload was completed with another SHA-256.")
    found = Blob.objects.select_related("object").filter(scope=upload.scope_id, sha256=sha256).first()
    if found is None:
        # Nothing named it for longer than unused bytes are kept.
        upload.delete()
        raise NotFound("What this upload brought was not used, and was cleaned up. Begin a new one.")
    return found


def _insist_on_all(upload: Upload) -> list[int]:
    """Return the numbers of the parts, read once: they go when the upload is given up."""
    parts = progress(upload)
    arrived = sum(part.received for part in parts)
    if arrived != upload.size:
        raise IncompleteBody(
            f"{arrived} of {upload.size} bytes arrived. Send the rest, then complete the upload.",
            received=arrived,
            expected=upload.size,
        )
    return [part.number for part in parts]


def _assemble(upload: Upload, numbers: list[int], known: Digests | None) -> tuple[Path, Digests]:
    """Return one synced file with all the bytes, and their digests."""
    paths = [files.part_path(upload.id, number) for number in numbers]
    if upload.size == 0:
        paths[0].touch()
    whole = paths[0] if len(paths) == 1 else files.folder_of(upload.id) / "whole"
    joining = Helper()
    if len(paths) > 1:
        joining.do(lambda: _join(paths, whole))
    try:
        digests = known or _hash(paths)
    finally:
        joining.finish()
    if len(paths) == 1:
        _sync(whole, upload)
    return whole, digests


def _hash(paths: list[Path]) -> Digests:
    twin = TwinHash()
    try:
        for path in paths:
            with path.open("rb", buffering=0) as file:
                while piece := file.read(PIECE):
                    twin.update(piece)
    finally:
        state = twin.finish()
    return state.digests()


def _join(paths: list[Path], whole: Path) -> None:
    """Join the parts inside the kernel, into a file that is synced."""
    try:
        with whole.open("wb", buffering=0) as target:
            _copy(paths, target.fileno())
            os.fsync(target.fileno())
    except OSError:
        whole.unlink(missing_ok=True)
        raise


def _copy(paths: list[Path], target: int) -> None:
    writeback = Writeback(target)
    try:
        for path in paths:
            with path.open("rb", buffering=0) as source:
                while copied := os.copy_file_range(source.fileno(), target, COPY):
                    writeback.wrote(copied)
    finally:
        writeback.finish()


def _sync(path: Path, upload: Upload) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError:
        # The system may have dropped any of it, and a second fsync would claim that all is well.
        abandon_upload(upload)
        raise
    finally:
        os.close(handle)


def _record(upload: Upload, name: str, digests: Digests) -> Blob:
    """Write the rows of an object that is durable by now, and finish the upload with them."""
    with recorded(name) as outcome:
        # Another server may have come first to an object that its client sent to the store itself.
        fresh = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if fresh is None:
            raise _gone()
        if fresh.state == Upload.State.OPEN:
            now = timezone.now()
            stored = StoredObject.objects.create(name=name, size=upload.size, created_at=now)
            if not insert_blobs(upload.scope, stored, [NewBlob(*digests, upload.size, 0)], now):
                outcome.drop(stored)
            Upload.objects.filter(pk=upload.pk).update(state=Upload.State.COMPLETE, sha256=digests.sha256)
    if not outcome.wanted:
        renew(upload.scope, {digests.sha256})
    return Blob.objects.select_related("object").get(scope=upload.scope_id, sha256=digests.sha256)

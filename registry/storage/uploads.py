"""Uploads of large blobs: begun, sent in parts that can be continued, completed or abandoned."""

from __future__ import annotations

import shutil
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction

from registry.errors import Conflict, IncompleteBody, InvalidInput, NotFound, StorageFull, TooLarge
from registry.models.teams import Entity
from registry.models.uploads import MAX_PARTS, Upload, UploadPart
from registry.storage import direct as bucket
from registry.storage import parts as files
from registry.storage.backends.base import Readable
from registry.storage.durable import disk_errors, incoming_dir, make_folders
from registry.storage.frames import fill
from registry.storage.hashing import HashStates, TwinHash
from registry.storage.limits import MIB, PIECE, part_limit
from registry.storage.rows import database_errors

LARGEST = 2**62
states = HashStates()


class Begun(NamedTuple):
    """An upload, and whether it is a new one."""

    upload: Upload
    created: bool


class Progress(NamedTuple):
    """A part and what arrived of it."""

    number: int
    offset: int
    size: int
    received: int


def begin_upload(
    scope: Entity,
    draft_id: int,
    size: int,
    *,
    sha256: bytes | None = None,
    parts: int = 1,
    prepared: bucket.Prepared | None = None,
) -> Begun:
    """Begin an upload; with a digest, an unfinished one of the same draft and digest is continued.

    What was `prepared` in the object store takes the parts itself; whoever prepared it gives it up when the upload
    that is returned is another one.
    """
    if not 0 <= size <= LARGEST:
        raise InvalidInput("An upload needs a size in bytes that is not negative.")
    if not 1 <= parts <= MAX_PARTS:
        raise InvalidInput(f"An upload has 1 to {MAX_PARTS} parts, not {parts}.")
    if found := _unfinished(draft_id, size, sha256):
        return Begun(found, False)
    columns: dict[str, Any] = {"scope": scope, "draft_id": draft_id, "size": size, "sha256": sha256}
    if prepared is None:
        stretches = split(size, parts)
        if stretches[0][1] > part_limit():
            raise TooLarge(
                f"A part may have {part_limit()} bytes at most: send more parts.", limit=part_limit()
            )
        _insist_on_space(size, copies=1 if len(stretches) == 1 else 2)
    else:
        stretches = prepared.stretches
        columns |= {"object_name": prepared.name, "parts_id": prepared.id}
    try:
        with database_errors(), transaction.atomic():
            upload = Upload.objects.create(**columns)
            UploadPart.objects.bulk_create(
                UploadPart(upload=upload, number=number, offset=offset, size=length)
                for number, (offset, length) in enumerate(stretches, start=1)
            )
    except IntegrityError:
        # The same upload was begun a moment ago over another connection.
        if found := _unfinished(draft_id, size, sha256):
            return Begun(found, False)
        raise
    return Begun(upload, True)


def continued(draft_id: int, size: int, sha256: bytes | None, *, direct: bool) -> Upload | None:
    """Return an unfinished upload that can be gone on with; one that can't, the way it was begun, is given up."""
    found = _unfinished(draft_id, size, sha256)
    if found is None or not found.is_direct or (direct and bucket.is_known(found)):
        return found
    # Its client could not reach the object store, or that has forgotten it.
    abandon_upload(found)
    return None


def split(size: int, parts: int) -> list[tuple[int, int]]:
    """Cut a size into so many stretches of whole MiB, or fewer when it is small."""
    each = max(MIB, -(-size // parts // MIB) * MIB) if size else 0
    return [(first, min(each, size - first)) for first in range(0, size, each or 1)] or [(0, 0)]


def progress(upload: Upload) -> list[Progress]:
    """Return what arrived of each part, as the files on disk, or the object store, say."""
    parts = upload.parts.all()
    if upload.state == Upload.State.COMPLETE:
        received = {part.number: part.size for part in parts}
    elif upload.is_direct:
        received = bucket.arrived(upload)
    else:
        received = {part.number: files.received(upload.id, part.number) for part in parts}
    return [
        Progress(part.number, part.offset, part.size, min(part.size, received.get(part.number, 0)))
        for part in parts
    ]


def append_part(upload: Upload, number: int, offset: int, stream: Readable, length: int | None) -> int:
    """Append a body to a part and return how much of the part arrived by now, durably.

    A body that ends early keeps what arrived, and raises IncompleteBody. `length` is what the sender
    promised; None when it sends chunks until it ends.
    """
    part = _open_part(upload, number)
    with disk_errors(), files.given_up():
        file = files.PartFile(upload.id, number)
        try:
            file.expect(offset)
            room = part.size - offset
            if length is not None and length > room:
                raise _too_long(room)
            _receive(upload, file, stream, room if length is None else length)
            if length is None and fill(stream, 1):
                raise _too_long(room)
        finally:
            _finish(upload, file)
    if length is not None and file.end < offset + length:
        raise IncompleteBody(
            f"The body ended after {file.end - offset} of {length} bytes; they are kept. Go on from there.",
            received=file.end,
        )
    return file.end


def _receive(upload: Upload, file: files.PartFile, stream: Readable, length: int) -> None:
    stop = file.end + length
    # Only what arrives in one part, from its beginning, can be hashed on its way.
    state = states.take(upload.id, file.end) if upload.parts.count() == 1 else None
    twin = TwinHash(state) if state is not None else None
    try:
        while file.end < stop and (piece := fill(stream, min(PIECE, stop - file.end))):
            file.append(piece)
            if twin is not None:
                twin.update(piece)
    finally:
        if twin is not None:
            states.keep(upload.id, twin.finish())


def _finish(upload: Upload, file: files.PartFile) -> None:
    try:
        file.sync()
    except OSError:
        # The part is gone, and what was computed from it with it.
        states.forget(upload.id)
        raise
    finally:
        file.close()


def _open_part(upload: Upload, number: int) -> UploadPart:
    if upload.state != Upload.State.OPEN:
        raise Conflict("This upload is complete; nothing more can be sent to it.")
    if upload.is_direct:
        raise Conflict("The parts of this upload go to the object store: ask for the address of each.")
    try:
        return upload.parts.get(number=number)
    except UploadPart.DoesNotExist:
        raise NotFound(f"This upload has no part {number}.") from None


def abandon_upload(upload: Upload) -> None:
    """Forget an upload and all that arrived of it."""
    states.forget(upload.id)
    if upload.is_direct and upload.state == Upload.State.OPEN:
        bucket.abort(upload.object_name, upload.parts_id)
    with disk_errors():
        files.remove(upload.id)
    with database_errors():
        Upload.objects.filter(pk=upload.pk).delete()


def _unfinished(draft_id: int, size: int, sha256: bytes | None) -> Upload | None:
    if sha256 is None:
        return None
    return Upload.objects.filter(draft_id=draft_id, size=size, sha256=sha256, state=Upload.State.OPEN).first()


def _insist_on_space(size: int, copies: int) -> None:
    """Refuse before gigabytes are sent in vain; the disk has the last word all the same."""
    with disk_errors():
        make_folders(incoming_dir())
        free = shutil.disk_usage(incoming_dir()).free
    if size * copies > free:
        raise StorageFull(
            f"The server has no space for {size} more bytes. Try again when there is.", size=size
        )


def _too_long(room: int) -> TooLarge:
    return TooLarge(f"The body is longer than the {room} bytes that this part lacks.", limit=room)

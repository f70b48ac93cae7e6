"""Bytes for drafts: bundles of small blobs, resumable parts of large ones."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from registry import storage
from registry.actor import Actor
from registry.errors import InvalidDigest, NotFound
from registry.models import Blob, Upload, Version
from registry.services import clock, drafts, quotas
from registry.storage import BundleResult
from registry.storage.backends.base import Link, Readable


def known_sizes(actor: Actor, *, draft: Version, sizes: Iterable[int]) -> list[int]:
    """Return those sizes of which the entity has a blob: a file of another size can't be a duplicate."""
    drafts.check_open(actor, draft)
    wanted = list(sizes)
    present = Blob.objects.filter(scope=draft.sequence.project.entity, size__in=wanted)
    return sorted(set(present.values_list("size", flat=True)))


def receive_bundle(actor: Actor, *, draft: Version, stream: Readable, length: int | None) -> BundleResult:
    """Keep a body of many small blobs: all of them, or none."""
    drafts.check_open(actor, draft)
    drafts.touch(draft)
    entity = draft.sequence.project.entity
    # What of it is new is known once it is read; that a draft as a whole fits was judged when it was staged.
    quotas.refuse_beyond(entity, 1)
    return storage.receive_bundle(entity, stream, length, judge=quotas.guard(entity))


def begin(
    actor: Actor,
    *,
    draft: Version,
    size: int,
    sha256: str | None = None,
    parts: int = 1,
    direct: bool = False,
) -> tuple[Upload, bool]:
    """Begin a large blob, or find the unfinished upload of the same digest in this draft.

    With `direct` its parts may go to the object store itself; whether they do, the upload says.
    """
    drafts.check_open(actor, draft)
    drafts.touch(draft)
    digest = None if sha256 is None else _digest(sha256)
    entity = draft.sequence.project.entity
    # Before the lock: the object store takes its time.
    found = storage.continued(draft.pk, size, digest, direct=direct)
    prepared = storage.prepare_direct(size) if direct and found is None else None
    begun = None
    try:
        with transaction.atomic():
            # Of two that begin at one moment the second sees the first.
            quotas.hold(entity)
            others = quotas.on_their_way(entity, draft_id=draft.pk, size=size, sha256=digest)
            quotas.refuse_beyond(entity, size, waiting=others)
            begun = storage.begin_upload(
                entity, draft.pk, size=size, sha256=digest, parts=parts, prepared=prepared
            )
    finally:
        if begun is None or not begun.created:
            storage.give_up(prepared)
    return begun


def bucket_origin() -> str:
    """Return the origin of the object store that takes large files itself; "" where all go by way of the server."""
    return storage.parts_origin()


def find(actor: Actor, upload_id: uuid.UUID) -> Upload:
    """Find an upload to one of one's own drafts."""
    upload = Upload.objects.filter(pk=upload_id).prefetch_related("parts").first()
    if upload is None:
        raise _unknown()
    _draft_of(actor, upload)
    return upload


def append(
    actor: Actor, *, upload: Upload, number: int, offset: int, stream: Readable, length: int | None
) -> int:
    """Write the bytes of a part from an offset on; returns how many bytes of it are there now."""
    drafts.touch(_draft_of(actor, upload))
    return storage.append_part(upload, number, offset, stream, length)


def address(actor: Actor, *, upload: Upload, number: int, checksum: str) -> Link:
    """Sign the request that sends a part to the object store, bound to its size and digest."""
    drafts.touch(_draft_of(actor, upload))
    try:
        digest = bytes.fromhex(checksum)
    except ValueError:
        digest = b""
    return storage.part_address(upload, number, digest)


def complete(actor: Actor, *, upload: Upload, sha256: str) -> Blob:
    """Verify and keep what was uploaded; a wrong digest discards it."""
    _draft_of(actor, upload)
    return storage.complete_upload(upload, _digest(sha256))


def clean_up(at: datetime | None = None) -> int:
    """Remove what requests that ended early left behind: temporary files, and uploads nobody went on with."""
    if (at := clock.moment(at)) is None:
        return 0
    before = at - timedelta(hours=settings.DRAFT_HOURS)
    # Large files take their time: what arrived for a draft that somebody still works on is not left behind.
    alive = Version.objects.filter(state=Version.State.PENDING, updated_at__gte=before)
    return storage.clean_incoming(before, alive.values("pk"))


def abort_parts(at: datetime | None = None) -> int:
    """Abort parts in the object store that were never put together, once they are older than unused bytes may be."""
    if (at := clock.moment(at)) is None:
        return 0
    alive = Version.objects.filter(
        state=Version.State.PENDING, updated_at__gte=at - timedelta(hours=settings.DRAFT_HOURS)
    )
    sent = Upload.objects.filter(state=Upload.State.OPEN, draft_id__in=alive.values("pk")).exclude(
        parts_id=""
    )
    names = set(sent.values_list("object_name", flat=True))
    return storage.abort_parts(at - timedelta(seconds=settings.PROTECTION_SECONDS), names)


def _draft_of(actor: Actor, upload: Upload) -> Version:
    """Return the open draft of an upload, one's own: at each call, for rights may have ended meanwhile."""
    rows = Version.objects.filter(pk=upload.draft_id, created_by=actor.user)
    draft = rows.select_related("sequence__project__entity").first()
    if draft is None:
        raise _unknown()
    drafts.check_open(actor, draft)
    return draft


def _unknown() -> NotFound:
    return NotFound("You have no upload with this id.")


def _digest(sha256: str) -> bytes:
    try:
        digest = bytes.fromhex(sha256)
    except (ValueError, TypeError):
        digest = b""
    if len(digest) != 32:
        raise InvalidDigest("A SHA-256 is written as 64 hexadecimal digits.")
    return digest

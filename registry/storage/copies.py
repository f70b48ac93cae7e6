"""Bring lost contents back from equal copies: in other scopes, in packs, in objects and uploads left behind."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from registry.errors import RegistryError
from registry.models.blobs import Blob, StoredObject
from registry.models.teams import Entity
from registry.models.uploads import Upload
from registry.storage import backends
from registry.storage.bundles import receive_bundle
from registry.storage.completion import complete_upload
from registry.storage.frames import HEAD, head
from registry.storage.limits import PIECE, frame_limit, part_limit
from registry.storage.rows import NewBlob, insert_blobs
from registry.storage.uploads import append_part, begin_upload

# Uploads that a repair makes belong to no draft.
_NO_DRAFT = 0


class Copy(NamedTuple):
    """Where bytes lie that are said to be a content."""

    name: str
    offset: int
    size: int
    # The object's row; None for what no row knows.
    object_id: int | None
    upload: Upload | None = None

    def __str__(self) -> str:
        if self.upload is not None:
            return f"the upload {self.upload.pk} that was left behind"
        return f"the copy in {self.name}" + ("" if self.object_id else ", which no row knows")


class Wanted(NamedTuple):
    """A content that is lost, and the entity that needs it."""

    scope_id: int
    sha256: bytes
    size: int


def find(wanted: Collection[Wanted], orphans: Collection[str]) -> dict[bytes, Copy]:
    """Find a copy of each content, verified by reading it; the nearest places are looked at first."""
    found: dict[bytes, Copy] = {}
    sizes = {want.sha256: want.size for want in wanted}
    for look in (_in_rows, _in_packs, _alone, _in_uploads):
        missing = {sha: size for sha, size in sizes.items() if sha not in found}
        if missing:
            for sha, copy in look(missing, orphans):
                if sha not in found and is_right(copy, sha):
                    found[sha] = copy
    return found


def _in_rows(wanted: dict[bytes, int], _: Collection[str]) -> Iterator[tuple[bytes, Copy]]:
    digests = list(wanted)
    for first in range(0, len(digests), 500):
        rows = Blob.objects.sound().filter(sha256__in=digests[first : first + 500])
        columns = ("sha256", "object__name", "offset", "size", "object_id")
        for sha, name, offset, size, object_id in rows.values_list(*columns):
            yield bytes(sha), Copy(name, offset, size, object_id)


def _in_packs(wanted: dict[bytes, int], orphans: Collection[str]) -> Iterator[tuple[bytes, Copy]]:
    """Read the heads of all packs: what stands in one was a blob once, and its bytes may be there still."""
    live = StoredObject.objects.filter(name__startswith="packs/", state=StoredObject.State.LIVE)
    for object_id, name in live.values_list("pk", "name").iterator():
        yield from _of_pack(wanted, name, object_id)
    for name in orphans:
        if name.startswith("packs/"):
            yield from _of_pack(wanted, name, None)


def _of_pack(wanted: dict[bytes, int], name: str, object_id: int | None) -> Iterator[tuple[bytes, Copy]]:
    for sha, offset, size in heads(name):
        if sha in wanted:
            yield sha, Copy(name, offset, size, object_id)


def heads(name: str) -> Iterator[tuple[bytes, int, int]]:
    """Give SHA-256, offset and size of each frame of a pack, as far as its heads make sense."""
    backend = backends.current()
    try:
        end = backend.size(name)
        at = 0
        while at + HEAD.size <= end:
            with backend.open(name, at, HEAD.size) as opened:
                sha256, size = HEAD.unpack(opened.read())
            first = at + HEAD.size
            if first + size > end:
                return
            yield sha256, first, size
            at = first + size
    except OSError:
        return


def _alone(wanted: dict[bytes, int], orphans: Collection[str]) -> Iterator[tuple[bytes, Copy]]:
    """Hash objects of one content that have a size that is wanted, and no row that says which content it is."""
    by_size: dict[int, set[bytes]] = {}
    for sha, size in wanted.items():
        by_size.setdefault(size, set()).add(sha)
    unused = StoredObject.objects.filter(
        name__startswith="large/", state=StoredObject.State.LIVE, size__in=list(by_size), blobs=None
    )
    known = {name: pk for pk, name in unused.values_list("pk", "name")}
    for name in [*known, *(name for name in orphans if name.startswith("large/"))]:
        size = _size(name)
        if size in by_size and (sha := _hash(name, 0, size)) in by_size[size]:
            yield sha, Copy(name, 0, size, known.get(name))


def _in_uploads(wanted: dict[bytes, int], _: Collection[str]) -> Iterator[tuple[bytes, Copy]]:
    for upload in Upload.objects.filter(state=Upload.State.OPEN, sha256__isnull=False):
        if upload.sha256 and bytes(upload.sha256) in wanted:
            yield bytes(upload.sha256), Copy("", 0, upload.size, None, upload)


def is_right(copy: Copy, sha256: bytes) -> bool:
    """Read a copy, and say whether it is the content; an upload is read when it is completed."""
    return copy.upload is not None or _hash(copy.name, copy.offset, copy.size) == sha256


def _size(name: str) -> int:
    try:
        return backends.current().size(name)
    except OSError:
        return -1


def _hash(name: str, offset: int, size: int) -> bytes:
    hashed = hashlib.sha256()
    try:
        with backends.current().open(name, offset, size) as opened:
            while piece := opened.read(PIECE):
                hashed.update(piece)
    except OSError:
        return b""
    return hashed.digest()


def bring_back(want: Wanted, copy: Copy) -> bool:
    """Give the entity the content again: by a row alone where that is safe, else by writing the bytes anew."""
    scope = Entity.objects.get(pk=want.scope_id)
    try:
        if copy.upload is not None:
            if copy.upload.scope_id != want.scope_id:
                return False
            complete_upload(copy.upload, want.sha256)
        elif not _point_to(scope, want, copy):
            _write_anew(scope, want, copy)
    except (RegistryError, OSError):
        return False
    return Blob.objects.sound().filter(scope=scope, sha256=want.sha256).exists()


def _point_to(scope: Entity, want: Wanted, copy: Copy) -> bool:
    """Write a row that names the bytes where they lie, if their object is live and of no other entity."""
    if copy.object_id is None:
        return False
    digests = _digests(copy)
    with transaction.atomic():
        rows = StoredObject.objects.select_for_update().filter(
            pk=copy.object_id, state=StoredObject.State.LIVE
        )
        stored = rows.first()
        if stored is None or stored.blobs.exclude(scope=scope).exists() or digests[0] != want.sha256:
            return False
        insert_blobs(scope, stored, [NewBlob(*digests, copy.size, copy.offset)], timezone.now())
    return True


def _digests(copy: Copy) -> tuple[bytes, bytes]:
    sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with backends.current().open(copy.name, copy.offset, copy.size) as opened:
        while piece := opened.read(PIECE):
            sha.update(piece)
            md5.update(piece)
    return sha.digest(), md5.digest()


def _write_anew(scope: Entity, want: Wanted, copy: Copy) -> None:
    """Send the bytes to the store as anybody would: it verifies them, and heals what is marked as damaged."""
    with backends.current().open(copy.name, copy.offset, copy.size) as opened:
        if copy.size <= frame_limit():
            body = head(want.sha256, copy.size) + opened.read()
            receive_bundle(scope, io.BytesIO(body), len(body))
            return
        parts = -(-copy.size // part_limit())
        upload = begin_upload(scope, _NO_DRAFT, copy.size, parts=parts).upload
        for part in upload.parts.all():
            append_part(upload, part.number, 0, opened, part.size)
    complete_upload(upload, want.sha256)
    Upload.objects.filter(pk=upload.pk).delete()


def correct_md5(scope_id: int, sha256: bytes) -> bool:
    """Hash a content again, and let its row say the MD5 that it has; say whether the row is right now."""
    blob = Blob.objects.sound().filter(scope=scope_id, sha256=sha256).select_related("object").first()
    if blob is None:
        return False
    digests = _digests(Copy(blob.object.name, blob.offset, blob.size, blob.object_id))
    if digests[0] != sha256:
        return False
    if bytes(blob.md5) != digests[1]:
        Blob.objects.filter(pk=blob.pk, object=blob.object_id, offset=blob.offset).update(md5=digests[1])
    return True


def correct_length(object_id: int) -> bool:
    """Let an object's row say how long it is, where all that lies in it lies before its end."""
    stored = StoredObject.objects.get(pk=object_id)
    size = _size(stored.name)
    ends = [
        rows.aggregate(end=Max(F("offset") + F(length)))["end"] or 0
        for rows, length in ((stored.blobs, "size"), (stored.chunks, "length"))
    ]
    if size < max(ends):
        return False
    return bool(StoredObject.objects.filter(pk=object_id, size=stored.size).update(size=size))


def claim(names: Iterable[str], at: datetime) -> int:
    """Give objects that no row knows a row that dooms them; return how many it got.

    The name is taken first: a writer who comes back from the dead fails to record it, and says so, where it would
    otherwise record an object that is being deleted. The collector deletes what is doomed.
    """
    claimed = 0
    for name in names:
        size = _size(name)
        if size >= 0 and not StoredObject.objects.filter(name=name).exists():
            _, made = StoredObject.objects.get_or_create(
                name=name, defaults={"size": size, "state": StoredObject.State.DOOMED, "doomed_at": at}
            )
            claimed += made
    return claimed

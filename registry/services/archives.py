"""A folder of a version as a zip archive, made while it is sent: no file of it is ever whole in memory."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any, cast

from strongroom.core.manifest import Entry
from strongroom.core.paths import check_entry_path

from registry import manifests, storage
from registry.actor import Actor
from registry.errors import BlobsMissing, Damaged, NotFound, TooLarge
from registry.models import Blob, Membership
from registry.policy import Act, check
from registry.services import files
from registry.storage.limits import PIECE
from registry.storage.ranges import Range

# The list of all files stands at the end of an archive, and until then in memory.
MOST_FILES = 20_000
_BATCH = 500
# The first day that an archive can write.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(actor: Actor, membership: Membership, path: str = "") -> Iterator[bytes]:
    """Stream the files of a folder, or all of them; references, whose bytes are elsewhere, are left out.

    What cannot be done is refused before the first byte: too many files, none, or bytes that are missing.
    """
    check(actor, Act.DOWNLOAD, membership.collection.project)
    prefix = f"{check_entry_path(path)}/" if path else ""
    manifest = files.manifest_of(membership)
    listed = (entry for entry in manifests.entries(manifest, prefix=prefix) if entry.sha256 is not None)
    found = list(islice(listed, MOST_FILES + 1))
    if len(found) > MOST_FILES:
        raise TooLarge(
            f"An archive takes at most {MOST_FILES:,} files. Choose a folder with fewer, or download with the"
            f" client: strongroom get {membership.qualified_name}."
        )
    if not found:
        raise NotFound(f"{membership.name} has no files to download{f' in {path}' if path else ''}.")
    for begin in range(0, len(found), _BATCH):
        _blobs(membership, found[begin : begin + _BATCH])
    return _stream(actor, membership, found, len(path.rpartition("/")[0]) + 1 if "/" in path else 0)


def _stream(actor: Actor, membership: Membership, found: list[Entry], cut: int) -> Iterator[bytes]:
    sink, opener = _Sink(), _opener(actor, membership)
    at = membership.version.created_at.timetuple()[:6]
    with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for begin in range(0, len(found), _BATCH):
            batch = found[begin : begin + _BATCH]
            blobs = _blobs(membership, batch)
            for entry in batch:
                info = zipfile.ZipInfo(entry.path[cut:], max(at, _EPOCH))
                info.external_attr = 0o644 << 16
                yield from _one(opener, archive, info, blobs[entry.sha256 or ""], sink)
    yield sink.take()


def _opener(actor: Actor, membership: Membership) -> Callable[[Blob], Range]:
    """Return what opens a file for reading; the first is recorded as the download, for all of them are one."""
    is_told = False

    def open_whole(blob: Blob) -> Range:
        nonlocal is_told
        if is_told:
            return storage.open_blob(blob)
        is_told = True
        return files.opener(actor, membership, blob)(0, blob.size)

    return open_whole


def _one(
    opener: Callable[[Blob], Range],
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    blob: Blob,
    sink: _Sink,
) -> Iterator[bytes]:
    """Send one file; the archive is cut short when its bytes are not those of its digest."""
    computed, left = hashlib.sha256(), blob.size
    info.file_size = blob.size
    large = blob.size >= zipfile.ZIP64_LIMIT
    with (
        opener(blob) as source,
        archive.open(info, "w", force_zip64=large) as member,
    ):
        while left and (piece := source.read(min(PIECE, left))):
            computed.update(piece)
            member.write(piece)
            left -= len(piece)
            yield sink.take()
    if computed.digest() != bytes(blob.sha256):
        raise Damaged(f"The stored bytes of {info.filename} are damaged and are not served.")


def _blobs(membership: Membership, entries: list[Entry]) -> dict[str, Blob]:
    """Return the blobs of entries by their SHA-256."""
    wanted = {entry.sha256 for entry in entries if entry.sha256 is not None}
    scope = membership.version.sequence.project.entity_id
    rows = Blob.objects.sound().filter(scope=scope, sha256__in=[bytes.fromhex(each) for each in wanted])
    found = {bytes(blob.sha256).hex(): blob for blob in rows.select_related("object")}
    if missing := wanted - found.keys():
        raise BlobsMissing(
            f"The bytes of {len(missing)} files are missing from the store."
            " Ask an operator to restore them from a backup.",
            count=len(missing),
        )
    return found


class _Sink:
    """What the archive is written to, and taken from again at once; it cannot be sought in."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._at = 0

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Do nothing: what was written is taken by the stream."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken

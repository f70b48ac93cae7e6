"""What lies inside a version: folders, entries, bytes, manifests, differences."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from django.core.cache import cache
from redis.exceptions import RedisError
from strongroom.core.manifest import Change, Entry, write_lines, write_wandb
from strongroom.core.paths import check_entry_path

from registry import manifests, storage
from registry.actor import Actor
from registry.errors import Damaged, Gone, NotFound, TooLarge
from registry.manifests import FolderPage, Found
from registry.models import Blob, Manifest, Membership
from registry.policy import Act, check
from registry.services import events
from registry.storage.ranges import Range

log = logging.getLogger(__name__)

Content: TypeAlias = tuple[Entry, Blob]

# A bundle names each file; more than this goes over several requests.
BUNDLE_FILES = 2000
# How many paths one search looks at before it says how far it came.
FIND_AMONG = 200_000
_TELL_EVERY_SECONDS = 600


def entry(actor: Actor, membership: Membership, path: str) -> Entry:
    """Return one entry of a version."""
    check(actor, Act.VIEW, membership.collection.project)
    found = manifests.lookup(manifest_of(membership), check_entry_path(path))
    if found is None:
        raise NotFound(f"{membership.name} has no file {path}.")
    return found


def content(actor: Actor, membership: Membership, path: str) -> Content:
    """Return an entry with the blob that holds its bytes; NotFound for a reference, whose bytes are elsewhere.

    It needs the right to download, and is none: a page that shows a file, or who signs a link to it, looks only.
    """
    check(actor, Act.DOWNLOAD, membership.collection.project)
    found = entry(actor, membership, path)
    if found.sha256 is None:
        raise NotFound(f"{path} is a reference: its bytes are at {found.ref}.", ref=found.ref)
    blobs = Blob.objects.filter(scope=membership.version.sequence.project.entity_id)
    blob = blobs.filter(sha256=bytes.fromhex(found.sha256)).select_related("object").first()
    if blob is None:
        raise NotFound(
            f"The bytes of {path} are missing from the store. Ask an operator to restore it from a backup."
        )
    if blob.damaged_at is not None:
        raise Damaged(
            f"The stored bytes of {path} are damaged and are not served. Tell the administrator; uploading "
            f"the same bytes again heals them.",
            sha256=found.sha256,
        )
    return found, blob


def opener(actor: Actor, membership: Membership, blob: Blob) -> Callable[[int, int], Range]:
    """Return what opens a part of a file for download, which it records.

    Only then: what is answered by "not modified", or by its headers alone, gives no bytes away.
    """

    def open_part(start: int, length: int) -> Range:
        # Clients compare digests; a browser compares nothing, so what it downloads is verified on its way.
        opened = storage.open_blob(blob, start, length, by_kernel=actor.door != "web")
        try:
            _tell_download(actor, membership)
        except Exception:
            opened.close()
            raise
        return opened

    return open_part


def address(actor: Actor, membership: Membership, path: str, *, disposition: str) -> tuple[Blob, str | None]:
    """Return a file's blob, with the address of the object store to download it from; None: from the server, then.

    Giving the address out is the download, and is recorded as one.
    """
    _, blob = content(actor, membership, path)
    found = storage.address_of(blob, disposition=disposition, content_type="application/octet-stream")
    if found is not None:
        _tell_download(actor, membership)
    return blob, found


def folder(actor: Actor, membership: Membership, path: str, cursor: str | None, limit: int) -> FolderPage:
    """Return one page of a folder: sub-folders with their totals first, then files."""
    check(actor, Act.VIEW, membership.collection.project)
    if path:
        check_entry_path(path)
    page = manifests.folder(manifest_of(membership), path, cursor, limit)
    if path and cursor is None and not page.folders and not page.files:
        raise NotFound(f"{membership.name} has no folder {path}.")
    return page


def find(
    actor: Actor,
    membership: Membership,
    text: str,
    *,
    after: str | None = None,
    limit: int = 100,
    most: int = FIND_AMONG,
) -> Found:
    """Return files whose paths hold all words of a text, in whatever case; of many files, among the next ones."""
    check(actor, Act.VIEW, membership.collection.project)
    words = text.casefold().split()
    return manifests.find(manifest_of(membership), words, after=after, limit=limit, most=most)


def lines(actor: Actor, membership: Membership, prefix: str = "") -> Iterator[bytes]:
    """Stream the manifest as NDJSON, a line an entry; no download: that is of the bytes."""
    check(actor, Act.DOWNLOAD, membership.collection.project)
    return write_lines(manifests.entries(manifest_of(membership), prefix=prefix))


def wandb_manifest(actor: Actor, membership: Membership) -> Iterator[bytes]:
    """Stream the manifest in the JSON form of the `wandb` client."""
    check(actor, Act.DOWNLOAD, membership.collection.project)
    return write_wandb(manifests.entries(manifest_of(membership)))


def bundle(actor: Actor, membership: Membership, paths: list[str]) -> Iterator[bytes]:
    """Stream frames of the blobs that the named files of this version have, in the order of their place in the store.

    Files are named by path, since a path proves by one look-up that the version contains the blob.
    """
    check(actor, Act.DOWNLOAD, membership.collection.project)
    if len(paths) > BUNDLE_FILES:
        raise TooLarge(f"A bundle takes {BUNDLE_FILES} files. Ask for more in several requests.")
    manifest = manifest_of(membership)
    wanted = {_sha256(manifest, membership, path) for path in sorted(set(paths))}
    _tell_download(actor, membership)
    return storage.send_bundle(manifest.scope, wanted)


def _sha256(manifest: Manifest, membership: Membership, path: str) -> bytes:
    found = manifests.lookup(manifest, check_entry_path(path))
    if found is None or found.sha256 is None:
        raise NotFound(f"{membership.name} has no file {path} with bytes in this store.")
    return bytes.fromhex(found.sha256)


def diff(base: Membership, other: Membership, *, actor: Actor, after: str | None = None) -> Iterator[Change]:
    """Stream what changed from one version to another, by path; equal parts are never read."""
    check(actor, Act.VIEW, base.collection.project)
    check(actor, Act.VIEW, other.collection.project)
    return manifests.diff(manifest_of(base), manifest_of(other), after=after)


def side_by_side(
    base: Membership, other: Membership, *, actor: Actor, after: str | None = None
) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Stream every path of two versions with its entry in each, None where it is not, in the order of paths."""
    left = iter(entries(actor, base, after=after))
    right = iter(entries(actor, other, after=after))
    x, y = next(left, None), next(right, None)
    while x is not None or y is not None:
        has_x = x is not None and (y is None or x.path <= y.path)
        has_y = y is not None and (x is None or y.path <= x.path)
        yield x if has_x else None, y if has_y else None
        x = next(left, None) if has_x else x
        y = next(right, None) if has_y else y


def entries(actor: Actor, membership: Membership, *, after: str | None = None) -> Iterable[Entry]:
    """Iterate over a version's entries by path."""
    check(actor, Act.VIEW, membership.collection.project)
    return manifests.entries(manifest_of(membership), after=after)


def manifest_of(membership: Membership) -> Manifest:
    """Return the manifest of a version; Gone once it is purged."""
    manifest = membership.version.manifest
    if manifest is None:
        raise Gone(f"The content of {membership.name} was purged.")
    return manifest


def _tell_download(actor: Actor, membership: Membership) -> None:
    """Record a download once in ten minutes: it is many requests.

    Each person, version, door, address and key by itself: a stolen key's download must not hide behind its
    owner's.
    """
    who = (actor.user.pk if actor.user else 0, actor.key.pk if actor.key else 0, actor.address)
    told = f"download:{membership.pk}:{actor.door}:{hashlib.sha256(repr(who).encode()).hexdigest()}"
    if not _is_new(told):
        return
    try:
        events.record(
            actor,
            "version.download",
            collection=membership.collection,
            version=membership.version,
            subject=membership.name,
        )
    except Exception:
        # Not told after all: the next request must tell.
        _forget(told)
        raise


def _is_new(told: str) -> bool:
    try:
        return bool(cache.add(told, 1, _TELL_EVERY_SECONDS))
    except RedisError as error:
        # A download that is told twice is better than one that is not told, or not given.
        log.warning("The cache of recorded downloads does not answer: %s", error)
        return True


def _forget(told: str) -> None:
    try:
        cache.delete(told)
    except RedisError as error:
        log.warning("The cache of recorded downloads does not answer: %s", error)

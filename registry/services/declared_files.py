"""What drafts hold whose client declares MD5s: files that come one by one, and the manifest that names them last."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from strongroom.core.digests import b64_to_hex, hex_to_b64, is_md5_b64
from strongroom.core.manifest import Entry, read_wandb, sorted_entries

from registry import manifests, storage
from registry.actor import Actor
from registry.errors import (
    BlobsMissing,
    Conflict,
    DigestMismatch,
    InvalidDigest,
    InvalidInput,
    NotFound,
    Unavailable,
)
from registry.models import Manifest, Membership, Version
from registry.services import collections, drafting, drafts, files, projects, quotas, versions
from registry.services._common import now
from registry.services.aliases import LATEST
from registry.storage.backends.base import Readable

KINDS = FULL, PATCH, INCREMENTAL = "FULL", "PATCH", "INCREMENTAL"
_BATCH = 900
_TRIES = 20


def needed(actor: Actor, *, draft: Version, md5s: Iterable[bytes]) -> set[bytes]:
    """Return which contents must be sent; those that the entity has are kept from clean-up for a while.

    What an MD5 names is known only where the entity has one content of it, whose SHA-256 was computed here.
    """
    drafts.check_open(actor, draft)
    drafts.touch(draft)
    entity, wanted = draft.sequence.project.entity, set(md5s)
    found = storage.known_md5s(entity, wanted)
    known = {md5: contents[0].sha256 for md5, contents in found.items() if len(contents) == 1}
    try:
        storage.renew(entity, set(known.values()))
    except Unavailable:
        # One was cleaned up at this moment. To send what is there does no harm.
        return wanted
    return wanted - known.keys()


def receive(actor: Actor, *, draft: Version, md5: bytes, stream: Readable, length: int | None) -> bool:
    """Keep the bytes of one file; says whether they were new."""
    drafts.check_open(actor, draft)
    drafts.touch(draft)
    entity = draft.sequence.project.entity
    quotas.refuse_beyond(entity, max(1, length or 1))
    return storage.receive_single(entity, stream, md5, judge=quotas.guard(entity)).is_new


def stage(
    actor: Actor, *, draft: Version, kind: str, stream: Iterable[bytes], base: str | None = None
) -> None:
    """Read a manifest in the form of the `wandb` client and make it, or what it adds to another, the draft's content.

    An incremental one is laid over the version `base`, a patch over what other processes brought before.
    """
    drafts.check_open(actor, draft)
    entity = draft.sequence.project.entity
    entries = _with_sha256(draft, sorted_entries(read_wandb(stream)))
    if kind == PATCH:
        patch = manifests.stage(entity, entries).manifest
        _lay_over(draft, patch)
        return
    if kind == INCREMENTAL and base is not None:
        entries = _overlaid(manifests.entries(_base(actor, draft, base)), entries)
    built = manifests.stage(entity, entries)
    quotas.refuse_beyond(entity, built.missing_bytes)
    _set_manifest(draft, built)


def _base(actor: Actor, draft: Version, base: str) -> Manifest:
    found = versions.find_by_id(actor, base)
    if found.version.sequence_id != draft.sequence_id or found.version.manifest is None:
        raise InvalidInput("An incremental version builds on an earlier one of its own collection.")
    return found.version.manifest


def _lay_over(draft: Version, patch: Manifest) -> None:
    """Lay a patch over what the draft has; again, when another process was faster."""
    entity = draft.sequence.project.entity
    for _ in range(_TRIES):
        row = Version.objects.select_related("manifest").get(pk=draft.pk)
        if row.manifest is None:
            built = manifests.stage(entity, manifests.entries(patch))
        else:
            built = manifests.stage(
                entity, _overlaid(manifests.entries(row.manifest), manifests.entries(patch))
            )
        if _set_manifest(draft, built, instead_of=row):
            return
    raise Unavailable("Many processes add to this draft at once. Try again in a moment.")


def _set_manifest(draft: Version, built: manifests.Staged, instead_of: Version | None = None) -> bool:
    rows = Version.objects.filter(pk=draft.pk, state=Version.State.PENDING)
    if instead_of is not None:
        rows = rows.filter(manifest=instead_of.manifest_id)
    done = rows.update(manifest=built.manifest, digest=built.digest or "", updated_at=now())
    if not done and instead_of is None:
        raise drafting.closed(draft)
    draft.manifest = built.manifest
    return bool(done)


def _with_sha256(draft: Version, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Name the bytes of each file by the SHA-256 of what the entity has under its MD5."""
    entity, source = draft.sequence.project.entity, iter(entries)
    while batch := list(islice(source, _BATCH)):
        md5s = {_md5(entry) for entry in batch if entry.ref is None}
        found = storage.known_md5s(entity, md5s)
        for entry in batch:
            if entry.ref is None:
                content = _only(entry, found.get(_md5(entry), []))
                entry.sha256, entry.size = content.sha256.hex(), content.size
            yield entry


def _md5(entry: Entry) -> bytes:
    return bytes.fromhex(entry.md5 or "")


def _only(entry: Entry, contents: list[storage.Content]) -> storage.Content:
    fitting = [content for content in contents if entry.size in (None, content.size)]
    if not fitting:
        raise BlobsMissing(
            f"The bytes of {entry.path} are not on the server yet; send them, then the manifest.", count=1
        )
    if len(fitting) > 1:
        raise Conflict(
            f"Two different contents have the MD5 of {entry.path}, and the wandb client names files by MD5 alone. "
            f"Log this artifact with the strongroom client, which names them by SHA-256."
        )
    return fitting[0]


def _overlaid(below: Iterable[Entry], above: Iterable[Entry]) -> Iterator[Entry]:
    """Merge two streams in path order; of one path, what lies above counts."""
    streams = (((entry.path, 0, entry) for entry in above), ((entry.path, 1, entry) for entry in below))
    last = None
    for path, _, entry in heapq.merge(*streams, key=lambda item: item[:2]):
        if path != last:
            yield entry
        last = path


def digest_of(md5: str | None) -> bytes:
    """Read the base64 MD5 by which a client declares a file."""
    if not is_md5_b64(md5):
        raise InvalidDigest("A file is declared by the base64 MD5 of its bytes.")
    return bytes.fromhex(b64_to_hex(str(md5)))


def checked(pieces: Iterable[bytes], md5: str | None) -> Iterator[bytes]:
    """Pass a body on, and refuse it at its end when it has not the MD5 that was declared for it."""
    hashed = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        hashed.update(piece)
        yield piece
    if md5 is not None and hashed.hexdigest() != md5:
        raise DigestMismatch(
            "The manifest that arrived has not the MD5 that was declared for it. Send it again."
        )


def containing(actor: Actor, *, entity: str, project: str, collection: str, ids: Sequence[str]) -> Membership:
    """Find the version of a collection that one of some ids names."""
    place = collections.find(actor, projects.find(actor, entity, project), collection)
    for public_id in ids:
        return versions.place_in(actor, public_id, place)
    return versions.find(actor, place, LATEST)


def path_of(actor: Actor, membership: Membership, md5: str) -> str:
    """Return the path of a file of a version by its MD5. It reads the manifest: whoever has the path, asks by that."""
    digest = hex_to_b64(md5)
    for entry in files.entries(actor, membership):
        if entry.ref is None and entry.digest == digest:
            return entry.path
    raise NotFound(f"{membership.name} has no file with the MD5 {md5}.")

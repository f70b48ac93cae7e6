"""Stage a manifest from a stream of entries: memory for a few leaves, whatever their number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from strongroom.core.digests import ManifestDigest
from strongroom.core.entries import LARGEST
from strongroom.core.errors import InvalidManifest
from strongroom.core.manifest import Entry, check_order

from registry.manifests.folders import FolderDraft, FolderTotals
from registry.manifests.framing import ENTRIES, FOLDERS
from registry.manifests.leaves import MD5, NO_DIGEST, LeafDraft, md5_text
from registry.manifests.nodes import Ref, slices
from registry.manifests.presence import (
    Missing,
    check_claims,
    gather_md5s,
    has_damage,
    joined,
    known_blobs,
)
from registry.manifests.recording import record as record_row
from registry.manifests.referring import MOST_VERSIONS, version_of
from registry.manifests.rows import row_of, weight
from registry.manifests.spill import FolderSorter
from registry.manifests.tree import TreeBuilder
from registry.manifests.writer import NodeWriter, Pending
from registry.models import Entity, Manifest


@dataclass(slots=True, frozen=True)
class Staged:
    """A manifest in the store, and what its blobs still lack.

    `refers_to` has the numbers of the versions whose entries it refers to.
    `digest` is the `wandb` one as far as the client's own MD5s and the known blobs give it;
    `manifest.digest` is set only when every blob is there, so that nothing in it is merely claimed.
    """

    manifest: Manifest
    digest: str | None
    missing_count: int
    missing_bytes: int
    chunks_written: int
    refers_to: frozenset[int] = frozenset()


@dataclass(slots=True)
class Prepared:
    """A manifest whose nodes lie where they will stay, while its rows are still to be written.

    What takes time is done; `record` is fit for a transaction that holds locks.
    """

    digest: str | None
    missing_count: int
    missing_bytes: int
    refers_to: frozenset[int]
    _row: Manifest
    _writer: NodeWriter

    def record(self) -> Staged:
        """Write the rows and return the manifest: the present one, where the content is known."""
        with transaction.atomic(savepoint=False):
            self._writer.record()
            manifest = record_row(self._row)
        written = self._writer.written
        return Staged(manifest, self.digest, self.missing_count, self.missing_bytes, written, self.refers_to)


class Builder:
    """Takes entries in path order and stores what of them the entity does not have."""

    def __init__(self, scope: Entity) -> None:
        self._scope = scope
        self._damage = has_damage(scope)
        self._size = self._references = 0
        self._missing = Missing()
        self._refers_to: set[int] = set()
        self._digest: ManifestDigest | None = ManifestDigest()
        self._writer = NodeWriter(scope.pk, self._settle)
        self._tree = TreeBuilder(ENTRIES, LeafDraft, self._writer)
        self._sorter = FolderSorter(Path(settings.INCOMING_DIR))
        self._totals = FolderTotals(self._sorter.add)

    def add(self, entry: Entry) -> None:
        key, row = entry.path.encode(), row_of(entry)
        self._size += entry.size or 0
        self._references += entry.ref is not None
        # What a database's integer holds, too.
        if self._size > LARGEST:
            raise InvalidManifest(
                "The sizes in the manifest add up to more than any storage holds; check them."
            )
        if entry.ref is not None:
            self._refer(entry.ref)
        self._tree.add(key, weight(key, row), row)
        self._totals.add(entry.path, entry.size or 0)

    def _refer(self, uri: str) -> None:
        version = version_of(uri)
        if version is None:
            return
        self._refers_to.add(version)
        if len(self._refers_to) > MOST_VERSIONS:
            raise InvalidManifest(
                f"A manifest refers to entries of {MOST_VERSIONS:,} other versions at most. "
                "Log it as several artifacts."
            )

    def finish(self) -> Staged:
        """Store what is left and return the manifest: the present one, where the content is known."""
        return self.prepare().record()

    def prepare(self) -> Prepared:
        """Store what is left, but for the rows."""
        root = self._tree.finish()
        folders = self._finish_folders()
        self._writer.place()
        digest = self._digest.hexdigest() if self._digest else None
        row = Manifest(
            scope=self._scope,
            root=root.digest,
            folders_root=folders.digest,
            entry_count=root.count,
            total_size=root.total,
            reference_count=self._references,
            digest=(digest or "") if self._missing.count == 0 else "",
        )
        lacking = self._missing
        return Prepared(digest, lacking.count, lacking.size, frozenset(self._refers_to), row, self._writer)

    def close(self) -> None:
        """Give up what the build holds on disk, whether it was finished or not."""
        self._sorter.close()

    def _finish_folders(self) -> Ref:
        self._totals.finish()
        tree = TreeBuilder(FOLDERS, FolderDraft, self._writer)
        for record in self._sorter.sorted():
            key = record.key.encode()
            tree.add(key, len(key) + 25, record)
        return tree.finish()

    def _settle(self, batch: list[Pending]) -> None:
        """Find the MD5s of a few leaves: from their rows when sealed, else from the blobs' rows."""
        unsure = [item.leaf for item in batch if item.leaf and (self._damage or not _is_sealed(item))]
        known = known_blobs(self._scope, [leaf.shas for leaf in unsure])
        for item in batch:
            if (leaf := item.leaf) is None:
                continue
            sealed = item.known.md5s if item.known else None
            md5s: list[bytes | None]
            if sealed is not None and not self._damage:
                md5s = [*slices(sealed, MD5, leaf.count)]
            else:
                md5s = gather_md5s(leaf.paths, leaf.sizes, leaf.shas, known, self._missing)
            check_claims(leaf.paths, leaf.claims, md5s)
            item.md5s = sealed if sealed is not None else joined(md5s)
            self._feed(leaf, md5s)

    def _feed(self, leaf: LeafDraft, md5s: list[bytes | None]) -> None:
        """Go on with the `wandb` digest until an MD5 is neither known nor claimed."""
        if self._digest is None:
            return
        for at, (path, known, claim) in enumerate(zip(leaf.paths, md5s, leaf.claims, strict=True)):
            md5 = known or claim
            if md5 is None:
                self._digest = None
                return
            self._digest.add(path, leaf.reference_digest(at) if leaf.shas[at] == NO_DIGEST else md5_text(md5))


def stage(scope: Entity, entries: Iterable[Entry]) -> Staged:
    """Stage a whole stream of entries, each checked as the readers of `strongroom.core` do."""
    return prepare(scope, entries).record()


def prepare(scope: Entity, entries: Iterable[Entry]) -> Prepared:
    """Stage a whole stream of entries, but for the rows."""
    builder = Builder(scope)
    try:
        for entry in check_order(entries):
            builder.add(entry)
        return builder.prepare()
    finally:
        builder.close()


def _is_sealed(item: Pending) -> bool:
    return item.known is not None and item.known.md5s is not None

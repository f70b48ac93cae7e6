"""From staged to sealed: which blobs are missing still, and the digest once none is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from strongroom.core.digests import ManifestDigest
from strongroom.core.errors import BlobsMissing

from registry.manifests.leaves import Leaf
from registry.manifests.presence import Missing, gather_md5s, has_damage, joined, known_blobs
from registry.manifests.source import StoredNodes
from registry.manifests.walk import as_leaf, leaf_groups, leaves, root_ref
from registry.models import Chunk, Entity, Manifest


@dataclass(slots=True, frozen=True)
class MissingBlob:
    """A blob that the client must send, and the first path that wants it."""

    sha256: str
    size: int
    path: str


@dataclass(slots=True, frozen=True)
class MissingPage:
    """Missing blobs in path order, each once, and the path after which to go on."""

    blobs: list[MissingBlob]
    next: str | None


def missing(manifest: Manifest, after: str | None = None, limit: int = 1000) -> MissingPage:
    """Return blobs that are not there yet; leaves known to be complete are not read."""
    found: dict[str, MissingBlob] = {}
    last = after
    for path, sha256, size in _lacking(manifest, after or ""):
        if len(found) == limit and sha256 not in found:
            return MissingPage(list(found.values()), last)
        found.setdefault(sha256, MissingBlob(sha256, size, path))
        last = path
    return MissingPage(list(found.values()), None)


def _lacking(manifest: Manifest, after: str) -> Iterator[tuple[str, str, int]]:
    """Give path, SHA-256 and size of each entry without its bytes."""
    for leaf in _unsealed(manifest, after):
        blobs = leaf.blobs()
        md5s = gather_md5s(leaf.paths, leaf.sizes, blobs, known_blobs(manifest.scope, [blobs]), Missing())
        for at in range(leaf.after(after), leaf.count):
            if md5s[at] is None:
                yield leaf.paths[at], blobs[at].hex(), leaf.sizes[at]


def seal(manifest: Manifest) -> Manifest:
    """Set the digest, now that every blob is there; say which are missing when one isn't.

    Each step writes what is true whoever writes it, so that it can be repeated after a crash, or run
    twice at once. It reads every leaf once: call it before a transaction, not in one.
    """
    damage = has_damage(manifest.scope)
    if manifest.digest and not damage:
        return manifest
    digest, lacking = ManifestDigest(), Missing()
    source = StoredNodes(manifest.scope_id, keep_leaves=False)
    for leaf in leaves(source, root_ref(manifest.root)):
        _complete(manifest.scope, leaf, damage, lacking)
        if not lacking.count:
            _feed(digest, leaf)
    if lacking.count:
        raise _blobs_missing(lacking)
    manifest.digest = digest.hexdigest()
    Manifest.objects.filter(pk=manifest.pk).update(digest=manifest.digest)
    return manifest


def _complete(scope: Entity, leaf: Leaf, damage: bool, lacking: Missing) -> None:
    """Give a leaf its MD5s, if its blobs are there; check that they are, where they may have gone."""
    if leaf.md5s is not None and not damage:
        return
    blobs = leaf.blobs()
    md5s = gather_md5s(leaf.paths, leaf.sizes, blobs, known_blobs(scope, [blobs]), lacking)
    if leaf.md5s is None and (column := joined(md5s)) is not None:
        leaf.md5s = column
        Chunk.objects.filter(scope=scope, sha256=leaf.sha256, md5s=None).update(md5s=column)


def _feed(digest: ManifestDigest, leaf: Leaf) -> None:
    for at, path in enumerate(leaf.paths):
        digest.add(path, leaf.digest(at) or "")


def _unsealed(manifest: Manifest, after: str) -> Iterator[Leaf]:
    """Read the leaves whose blobs were not all there when last looked at; all, once a blob has gone bad."""
    source = StoredNodes(manifest.scope_id, keep_leaves=False)
    damage = has_damage(manifest.scope)
    for group in leaf_groups(source, root_ref(manifest.root), after):
        sealed: set[bytes] = set()
        if not damage:
            rows = Chunk.objects.filter(
                scope=manifest.scope_id, sha256__in=[ref.digest for ref in group], md5s__isnull=False
            )
            sealed = {bytes(sha) for sha in rows.values_list("sha256", flat=True)}
        for node in source.stream([ref for ref in group if ref.digest not in sealed]):
            yield as_leaf(node)


def _blobs_missing(lacking: Missing) -> BlobsMissing:
    files = "One file is" if lacking.count == 1 else f"{lacking.count} files are"
    return BlobsMissing(
        f"{files} not on the server yet; send what is missing and commit again.",
        count=lacking.count,
        bytes=lacking.size,
        sha256=lacking.first,
    )

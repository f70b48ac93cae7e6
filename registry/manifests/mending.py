"""Mend what is wrong with nodes: from an equal node of another entity, from the entries, or by their own content."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.core.errors import StrongroomError

from registry import storage
from registry.manifests import checking
from registry.manifests.framing import BrokenNode, Frame, open_frame
from registry.manifests.leaves import MD5, Leaf
from registry.manifests.nodes import Index
from registry.manifests.presence import Missing, gather_md5s, joined, known_blobs
from registry.manifests.reading import entries
from registry.manifests.staging import stage
from registry.manifests.walk import make_node
from registry.models import Chunk, Entity, Manifest
from registry.storage.copies import correct_md5


def twin_of(scope_id: int, digest: bytes) -> checking.Stored | None:
    """Find a sound node of the same content that another entity has."""
    rows = Chunk.objects.filter(sha256=digest).exclude(scope=scope_id).order_by("pk")
    for row in checking.stored(rows.values_list(*checking.COLUMNS)[:10]):
        if isinstance(checking.frame_of(row), Frame):
            return row
    return None


def copy_twin(scope_id: int, digest: bytes) -> bool:
    """Write a lost or damaged node anew, from that of another entity."""
    twin = twin_of(scope_id, digest)
    if twin is None:
        return False
    data = twin.bytes()
    try:
        open_frame(data, digest)
    except BrokenNode:
        return False
    stored, offset, length = storage.write_pieces([data])[0]
    place = {"object": stored, "offset": offset, "length": length, "data": None, "damaged_at": None}
    kept = {"kind": twin.kind, "level": twin.level, "entry_count": twin.entry_count}
    Chunk.objects.update_or_create(scope_id=scope_id, sha256=digest, defaults=place | kept)
    return True


def restage(manifest_ids: Sequence[int], digest: bytes) -> bool:
    """Make the trees of manifests anew from their entries: that heals what of them is lost, but for the entries."""
    for manifest in Manifest.objects.filter(pk__in=manifest_ids).select_related("scope"):
        try:
            made = stage(manifest.scope, entries(manifest))
        except (StrongroomError, BrokenNode):
            continue
        if made.manifest.pk == manifest.pk and _is_sound(manifest.scope_id, digest):
            return True
    return False


def may_restage(manifest_ids: Sequence[int]) -> bool:
    """Say whether all entries of one of the manifests can be read."""
    for manifest in Manifest.objects.filter(pk__in=manifest_ids):
        try:
            for _ in entries(manifest):
                pass
        except (StrongroomError, BrokenNode):
            continue
        return True
    return False


def _is_sound(scope_id: int, digest: bytes) -> bool:
    rows = Chunk.objects.filter(scope=scope_id, sha256=digest)
    return any(
        isinstance(checking.frame_of(row), Frame)
        for row in checking.stored(rows.values_list(*checking.COLUMNS))
    )


def correct_row(pk: int) -> bool:
    """Let a row say what its node says."""
    row = checking.again(pk)
    frame = checking.frame_of(row) if row else ""
    if isinstance(frame, str):
        return False
    node = make_node(frame)
    count = sum(ref.count for ref in node.refs) if isinstance(node, Index) else frame.count
    return bool(Chunk.objects.filter(pk=pk).update(kind=frame.kind, level=frame.level, entry_count=count))


def correct_md5s(pk: int) -> bool:
    """Take the MD5s of a leaf from its blobs again; where leaf and blob differ, the blob's bytes tell who is right."""
    row = checking.again(pk)
    frame = checking.frame_of(row) if row else ""
    if isinstance(frame, str) or row is None:
        return False
    leaf, scope = make_node(frame), Entity(pk=row.scope_id)
    if not isinstance(leaf, Leaf):
        return False
    kept = row.md5s or b""
    blobs = leaf.blobs()
    facts = known_blobs(scope, [blobs])
    for at, sha in enumerate(blobs):
        differs = sha in facts and facts[sha].md5 != kept[at * MD5 : (at + 1) * MD5]
        if differs and not correct_md5(row.scope_id, sha):
            return False
    column = joined(gather_md5s(leaf.paths, leaf.sizes, blobs, known_blobs(scope, [blobs]), Missing()))
    return column is not None and bool(Chunk.objects.filter(pk=pk).update(md5s=column))

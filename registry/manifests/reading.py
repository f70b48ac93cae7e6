"""Read stored manifests: one path, a stretch, a folder, or what differs between two."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.core.manifest import Change, Entry

from registry.manifests.diff import diff_trees
from registry.manifests.listing import FolderPage, Trees, page
from registry.manifests.source import StoredNodes
from registry.manifests.walk import as_leaf, leaves, root_ref, seek
from registry.models import Manifest


def lookup(manifest: Manifest, path: str) -> Entry | None:
    """Return the entry of a path, or None; one leaf is read."""
    node = seek(StoredNodes(manifest.scope_id), root_ref(manifest.root), path)
    if node is None:
        return None
    leaf = as_leaf(node)
    at = leaf.find(path)
    return None if at is None else leaf.entry(at)


def entries(manifest: Manifest, prefix: str = "", after: str | None = None) -> Iterator[Entry]:
    """Give entries in path order whose path begins with `prefix` and follows `after`."""
    source = StoredNodes(manifest.scope_id, keep_leaves=False)
    start = max(prefix, after or "")
    for leaf in leaves(source, root_ref(manifest.root), start):
        at = leaf.since(start)
        if after == start:
            at = leaf.after(start)
        # Paths with the prefix are one run, and nothing sorts within it but them.
        end = leaf.first_without(prefix, at)
        yield from leaf.entries(at, end)
        if end < leaf.count:
            return


def folder(manifest: Manifest, path: str = "", cursor: str | None = None, limit: int = 100) -> FolderPage:
    """Return a page of a folder: sub-folders with their totals, then files."""
    source = StoredNodes(manifest.scope_id)
    return page(Trees(source, root_ref(manifest.root), root_ref(manifest.folders_root)), path, cursor, limit)


def diff(old: Manifest, new: Manifest, after: str | None = None) -> Iterator[Change]:
    """Give what differs, in path order, reading only what the two don't share."""
    sides = StoredNodes(old.scope_id), StoredNodes(new.scope_id)
    return diff_trees(sides, root_ref(old.root), root_ref(new.root), after)

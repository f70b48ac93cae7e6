"""The references among the entries of a manifest: how many, and which, read leaf by leaf."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.core.manifest import Entry

from registry.manifests.leaves import NO_DIGEST
from registry.manifests.source import StoredNodes
from registry.manifests.walk import leaves, root_ref
from registry.models import Manifest


def count_references(manifest: Manifest) -> int:
    """Count them by reading every leaf: for manifests that were staged before they were counted then."""
    source = StoredNodes(manifest.scope_id, keep_leaves=False)
    return sum(leaf.blobs().count(NO_DIGEST) for leaf in leaves(source, root_ref(manifest.root)))


def references(manifest: Manifest, after: str = "") -> Iterator[Entry]:
    """Give the references in path order whose paths follow `after`; other entries are skipped undecoded."""
    source = StoredNodes(manifest.scope_id, keep_leaves=False)
    for leaf in leaves(source, root_ref(manifest.root), after):
        blobs = leaf.blobs()
        for at in range(leaf.after(after) if after else 0, leaf.count):
            if blobs[at] == NO_DIGEST:
                yield leaf.entry(at)

"""Find files by parts of their paths: leaf by leaf, in the order of paths, never more than a share of them at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from strongroom.core.manifest import Entry

from registry.manifests.source import StoredNodes
from registry.manifests.walk import leaves, root_ref
from registry.models import Manifest


@dataclass(slots=True)
class Found:
    """Some files, the path after which the search goes on (None at the end), and how many were looked at.

    `is_cut` says that it ended because those were enough for once.
    """

    entries: list[Entry] = field(default_factory=list)
    next: str | None = None
    looked_at: int = 0
    is_cut: bool = False


def find(manifest: Manifest, words: list[str], *, after: str | None, limit: int, most: int) -> Found:
    """Return up to `limit` files in whose paths all words occur, in whatever case; `words` are casefolded.

    It ends after the leaf with which `most` files were looked at: a version may have millions.
    """
    found = Found()
    source, last = StoredNodes(manifest.scope_id, keep_leaves=False), after
    for leaf in leaves(source, root_ref(manifest.root), after or ""):
        if found.looked_at >= most:
            found.next, found.is_cut = last, True
            return found
        paths = leaf.paths
        start = leaf.after(after) if after else 0
        # Most leaves have none: one look at all of their paths together is a tenth of the work.
        together = "\n".join(paths).casefold()
        if all(word in together for word in words):
            for at in range(start, leaf.count):
                folded = paths[at].casefold()
                if not all(word in folded for word in words):
                    continue
                if len(found.entries) == limit:
                    found.next = found.entries[-1].path
                    return found
                found.entries.append(leaf.entry(at))
        found.looked_at += leaf.count - start
        last = paths[-1]
    return found

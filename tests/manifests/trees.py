"""A store of nodes in memory, and trees built in it, so that the format can be tested without a database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from strongroom.core.manifest import Entry, check_order

from registry.manifests.folders import FolderDraft, FolderTotals
from registry.manifests.framing import ENTRIES, FOLDERS, Encoded, open_frame
from registry.manifests.leaves import LeafDraft
from registry.manifests.listing import Trees
from registry.manifests.nodes import Draft, Ref
from registry.manifests.rows import row_of, weight
from registry.manifests.spill import FolderSorter
from registry.manifests.tree import TreeBuilder
from registry.manifests.walk import Node, make_node

# The rule for cuts is the same for every example of a property, so one fixture for all of them is right.
same_for_all = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


class MemoryNodes:
    """Sink and source at once; counts what is read."""

    def __init__(self) -> None:
        self.stored: dict[bytes, bytes] = {}
        self.reads = 0

    def put(self, node: Encoded, draft: Draft) -> None:
        self.stored[node.digest] = node.stored()

    def get(self, ref: Ref) -> Node:
        self.reads += 1
        return make_node(open_frame(self.stored[ref.digest], ref.digest))

    def stream(self, refs: Sequence[Ref]) -> Iterator[Node]:
        return map(self.get, refs)


def file(path: str, content: str = "", size: int | None = None) -> Entry:
    sha256 = hashlib.sha256((content or path).encode()).hexdigest()
    return Entry(path, None, len(path) if size is None else size, sha256, None, None)


def build(nodes: MemoryNodes, entries: Iterable[Entry], run_bytes: int = 1 << 20) -> Trees:
    sorter = FolderSorter(run_bytes=run_bytes)
    totals = FolderTotals(sorter.add)
    tree = TreeBuilder(ENTRIES, LeafDraft, nodes)
    for entry in check_order(entries):
        key, row = entry.path.encode(), row_of(entry)
        tree.add(key, weight(key, row), row)
        totals.add(entry.path, entry.size or 0)
    root = tree.finish()
    totals.finish()
    folders = TreeBuilder(FOLDERS, FolderDraft, nodes)
    for record in sorter.sorted():
        key = record.key.encode()
        folders.add(key, len(key) + 25, record)
    found = Trees(nodes, root, folders.finish())
    sorter.close()
    return found


# Few letters, so that folders are shared, and characters on both sides of the slash in code-point order.
_NAMES = st.text("ab-0é𝄞", min_size=1, max_size=3)
PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)
CONTENTS = st.sampled_from(["one", "two", "three"])


def without_collisions(paths: Iterable[str]) -> list[str]:
    """Drop what is a folder of another path."""
    every = set(paths)
    folders = {path[:at] for path in every for at, letter in enumerate(path) if letter == "/"}
    return sorted(every - folders)


ENTRY_SETS = st.dictionaries(PATHS, CONTENTS, max_size=60).map(
    lambda found: [file(path, found[path]) for path in without_collisions(found)]
)

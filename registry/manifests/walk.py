"""Read a tree: whole or from a key on, one leaf at a time, or one leaf by its key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from registry.manifests.folders import FolderLeaf
from registry.manifests.framing import ENTRIES, BrokenNode, Frame, open_frame
from registry.manifests.leaves import Leaf
from registry.manifests.nodes import Index, Ref

Node = Leaf | FolderLeaf | Index


class NodeSource(Protocol):
    """Gives nodes by digest, verified."""

    def get(self, ref: Ref) -> Node: ...

    def stream(self, refs: Sequence[Ref]) -> Iterator[Node]:
        """Give many in order, one at a time; a source may find their places in fewer queries."""
        ...


def make_node(frame: Frame) -> Node:
    if frame.level:
        return Index(frame)
    return Leaf(frame) if frame.kind == ENTRIES else FolderLeaf(frame)


def open_node(stored: bytes, digest: bytes) -> Node:
    """Make a node of its stored bytes, verified."""
    return make_node(open_frame(stored, digest))


def root_ref(digest: bytes | memoryview) -> Ref:
    """Point at a root, of which nothing but the digest is known."""
    return Ref(bytes(digest), -1, 0, 0, "", "")


def leaf_groups(source: NodeSource, root: Ref, key: str = "") -> Iterator[Sequence[Ref]]:
    """Give the leaves that can hold `key` or what follows it, as their parents list them, unread."""
    if root.level == 0:
        yield [root]
        return
    node = source.get(root)
    if not isinstance(node, Index):
        yield [root]
        return
    children = node.from_key(key)
    if not children or children[0].level == 0:
        yield children
        return
    for child in children:
        yield from leaf_groups(source, child, key)


def leaves(source: NodeSource, root: Ref, key: str = "") -> Iterator[Leaf]:
    """Read the leaves of a tree of entries from the one that can hold `key`."""
    for group in leaf_groups(source, root, key):
        for node in source.stream(group):
            yield as_leaf(node)


def folder_leaves(source: NodeSource, root: Ref, key: str = "") -> Iterator[FolderLeaf]:
    for group in leaf_groups(source, root, key):
        for node in source.stream(group):
            yield as_folder_leaf(node)


def seek(source: NodeSource, root: Ref, key: str) -> Leaf | FolderLeaf | None:
    """Read the one leaf in which `key` lies if it is there at all."""
    ref = root
    while True:
        node = source.get(ref)
        if not isinstance(node, Index):
            return node
        children = node.from_key(key)
        if not children or key < children[0].first:
            return None
        ref = children[0]


def as_leaf(node: Node | None) -> Leaf:
    if not isinstance(node, Leaf):
        raise BrokenNode("a leaf of entries was expected")
    return node


def as_folder_leaf(node: Node | None) -> FolderLeaf:
    if not isinstance(node, FolderLeaf):
        raise BrokenNode("a leaf of folders was expected")
    return node

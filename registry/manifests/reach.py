"""What many manifests name together: each node is read once, however many of them share it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from registry.manifests.leaves import Leaf
from registry.manifests.nodes import Index
from registry.manifests.source import Lies, find_nodes, lost, read_nodes
from registry.manifests.walk import Node, root_ref

T = TypeVar("T")
# Small manifests are a node or two each: read one by one, a query each would take most of the time.
_ROOTS = 500
# Nodes that are read at once, and bytes of them: small ones would each cost a part of a query, and one may have a
# mebibyte. Of nodes below a root the size is not known, and taken for this.
_READ, _READ_BYTES, _USUAL_BYTES = 500, 4 << 20, 64 << 10


class Reached(NamedTuple, Generic[T]):
    """A leaf, and the first of those who name it."""

    by: T
    leaf: Leaf


class Reach(Generic[T]):
    """Walks trees of one entity, and never the same node twice.

    Who comes first takes what it names; so an order by date tells which date counts for a node, and two walks, in
    one order and in its reverse, tell what has but one owner. Memory holds a digest for each node that was reached.
    """

    def __init__(self, scope_id: int) -> None:
        self._scope_id = scope_id
        self._seen: set[bytes] = set()
        # Of the roots of the group at hand: the rows of small ones hold all of them.
        self._known: dict[bytes, Lies] = {}

    def walk(self, roots: Iterable[tuple[T, bytes]]) -> Iterator[Reached[T]]:
        """Give the leaves of entries below the roots that were not reached yet; raise Damaged where a node is lost.

        They come in the order of their roots, each group of `_ROOTS` for itself. Roots of folders give none.
        """
        waiting = iter(roots)
        while some := list(islice(waiting, _ROOTS)):
            for at, leaf in self._group([digest for _, digest in some]):
                yield Reached(some[at][0], leaf)

    def has(self, digest: bytes) -> bool:
        """Say whether a node was reached."""
        return digest in self._seen

    def _group(self, roots: Sequence[bytes]) -> Iterator[tuple[int, Leaf]]:
        """Walk some trees level by level: the root of one may lie deep in another, whose owner comes first."""
        levels = self._levels(roots)
        for level in range(max(levels, default=0), 0, -1):
            for digest, node in self._take(levels[level]):
                for child in node.refs if isinstance(node, Index) else ():
                    if child.digest not in self._seen:
                        below, at = levels[child.level], levels[level][digest]
                        below[child.digest] = min(at, below.get(child.digest, at))
        for digest, node in self._take(levels[0]):
            if isinstance(node, Leaf):
                yield levels[0][digest], node

    def _levels(self, roots: Sequence[bytes]) -> defaultdict[int, dict[bytes, int]]:
        """Return the roots that were not reached yet by level, each with the first place where it stands."""
        wanted: dict[bytes, int] = {}
        for at, root in enumerate(roots):
            if root not in self._seen:
                wanted.setdefault(root, at)
        levels: defaultdict[int, dict[bytes, int]] = defaultdict(dict)
        self._known = {}
        for digest, level, lies in find_nodes(self._scope_id, list(wanted)):
            self._known[digest] = lies
            levels[level][digest] = wanted.pop(digest)
        for digest in wanted:
            raise lost(root_ref(digest))
        return levels

    def _take(self, nodes: dict[bytes, int]) -> Iterator[tuple[bytes, Node]]:
        """Read nodes of one level in the order of their owners, a stretch at a time."""
        some: list[bytes] = []
        size = 0
        for digest in sorted(nodes, key=nodes.__getitem__):
            lies = self._known.get(digest)
            length = _USUAL_BYTES if lies is None else lies.length
            if some and (len(some) == _READ or size + length > _READ_BYTES):
                yield from read_nodes(self._scope_id, some, self._known)
                some, size = [], 0
            self._seen.add(digest)
            some.append(digest)
            size += length
        yield from read_nodes(self._scope_id, some, self._known)

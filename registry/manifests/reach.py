"""What many manifests name together: each node is read once, however many of them share it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from registry.manifests.leaves import Leaf, contents_of
from registry.manifests.nodes import Index
from registry.manifests.source import NODES, Lies, Making, find_nodes, lost, read_made
from registry.manifests.walk import root_ref

T = TypeVar("T")
N = TypeVar("N")
# Small manifests are a node or two each: read one by one, a query each would take most of the time.
_ROOTS = 500
# Nodes that are read at once, and bytes of them: small ones would each cost a part of a query, and one may have a
# mebibyte. Of nodes below a root the size is not known, and taken for this.
_READ, _READ_BYTES, _USUAL_BYTES = 500, 4 << 20, 64 << 10


_CONTENTS = Making[dict[bytes, int]](
    contents_of, lambda node: node.contents() if isinstance(node, Leaf) else {}
)


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
        for by, node in self._walk(roots, NODES):
            if isinstance(node, Leaf):
                yield Reached(by, node)

    def contents(self, roots: Iterable[tuple[T, bytes]]) -> Iterator[tuple[T, dict[bytes, int]]]:
        """Give the size of each blob by its digest, leaf by leaf as `walk` does, for who asks nothing else of them."""
        return self._walk(roots, _CONTENTS)

    def has(self, digest: bytes) -> bool:
        """Say whether a node was reached."""
        return digest in self._seen

    def _walk(self, roots: Iterable[tuple[T, bytes]], making: Making[N]) -> Iterator[tuple[T, N]]:
        waiting = iter(roots)
        while some := list(islice(waiting, _ROOTS)):
            for at, made in self._group([digest for _, digest in some], making):
                yield some[at][0], made

    def _group(self, roots: Sequence[bytes], making: Making[N]) -> Iterator[tuple[int, N]]:
        """Walk some trees level by level: the root of one may lie deep in another, whose owner comes first."""
        levels = self._levels(roots)
        for level in range(max(levels, default=0), 0, -1):
            for digest, node in self._take(levels[level], NODES):
                for child in node.refs if isinstance(node, Index) else ():
                    if child.digest not in self._seen:
                        below, at = levels[child.level], levels[level][digest]
                        below[child.digest] = min(at, below.get(child.digest, at))
        ends = levels[0]
        for digest, made in self._take(ends, making):
            yield ends[digest], made

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

    def _take(self, nodes: dict[bytes, int], making: Making[N]) -> Iterator[tuple[bytes, N]]:
        """Read nodes of one level in the order of their owners, a stretch at a time."""
        some: list[bytes] = []
        size = 0
        for digest in sorted(nodes, key=nodes.__getitem__):
            lies = self._known.get(digest)
            length = _USUAL_BYTES if lies is None else lies.length
            if some and (len(some) == _READ or size + length > _READ_BYTES):
                yield from read_made(self._scope_id, some, making, self._known)
                some, size = [], 0
            self._seen.add(digest)
            some.append(digest)
            size += length
        yield from read_made(self._scope_id, some, making, self._known)

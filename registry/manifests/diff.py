"""Compare two trees by walking both at once; what has one digest on both sides is never read."""

from __future__ import annotations

from collections.abc import Iterator

from strongroom.core.manifest import Change

from registry.manifests.leaves import Leaf
from registry.manifests.nodes import Index, Ref
from registry.manifests.walk import NodeSource, as_leaf


class _Side:
    """One tree: the subtrees still to come, the next on top, and the leaf being read, if one is."""

    def __init__(self, source: NodeSource, root: Ref, after: str | None) -> None:
        self._source, self._after = source, after
        self.stack = [root]
        self.leaf: Leaf | None = None
        self.at = 0

    def expand(self) -> None:
        node = self._source.get(self.stack.pop())
        if isinstance(node, Index):
            self.stack.extend(
                ref for ref in reversed(node.refs) if self._after is None or ref.last > self._after
            )
            return
        self.leaf = as_leaf(node)
        self.at = 0 if self._after is None else self.leaf.after(self._after)
        self._close_if_read()

    def until(self, path: str | None) -> Iterator[int]:
        """Give what the open leaf has before `path`, and move there."""
        leaf = self._opened()
        start, self.at = self.at, leaf.count if path is None else max(self.at, leaf.since(path))
        yield from range(start, self.at)
        self._close_if_read()

    def skip(self, length: int) -> None:
        self.at += length
        self._close_if_read()

    def _opened(self) -> Leaf:
        if self.leaf is None:
            raise RuntimeError("No leaf is open.")
        return self.leaf

    def _close_if_read(self) -> None:
        if self.leaf is not None and self.at >= self.leaf.count:
            self.leaf = None


def diff_trees(
    sources: tuple[NodeSource, NodeSource], old: Ref, new: Ref, after: str | None = None
) -> Iterator[Change]:
    """Give each path that is not the same in both, in order, from after `after` on."""
    if old.digest == new.digest:
        return
    a, b = _Side(sources[0], old, after), _Side(sources[1], new, after)
    # The level of a root is in the node: read both, then compare subtrees of known levels.
    a.expand()
    b.expand()
    while a.stack or b.stack or a.leaf or b.leaf:
        if a.leaf and b.leaf:
            yield from _merge(a, b, a.leaf, b.leaf)
        elif a.leaf:
            yield from _alone(a, b, a.leaf, "removed")
        elif b.leaf:
            yield from _alone(b, a, b.leaf, "added")
        else:
            _descend(a, b)


def _descend(a: _Side, b: _Side) -> None:
    """Both stand between leaves: skip what is equal, open as little as possible of what is not."""
    if not (a.stack and b.stack):
        (a if a.stack else b).expand()
        return
    x, y = a.stack[-1], b.stack[-1]
    if x.digest == y.digest:
        a.stack.pop()
        b.stack.pop()
    elif x.last < y.first:
        a.expand()
    elif y.last < x.first:
        b.expand()
    else:
        if x.level >= y.level:
            a.expand()
        if y.level >= x.level:
            b.expand()


def _alone(one: _Side, other: _Side, leaf: Leaf, kind: str) -> Iterator[Change]:
    """Only one side has a leaf open: what lies before the other's next subtree exists only here."""
    here = leaf.paths[one.at]
    if other.stack and other.stack[-1].first <= here:
        other.expand()
        return
    for at in one.until(other.stack[-1].first if other.stack else None):
        yield _only(leaf, at, kind)


def _merge(a: _Side, b: _Side, old: Leaf, new: Leaf) -> Iterator[Change]:
    x, y = old.paths[a.at], new.paths[b.at]
    if x < y:
        for at in a.until(y):
            yield _only(old, at, "removed")
    elif y < x:
        for at in b.until(x):
            yield _only(new, at, "added")
    else:
        # Mostly one entry of a thousand differs, so the stretch with the same paths is run through at once.
        length = _shared_paths(old.paths, a.at, new.paths, b.at)
        for offset in old.differences(a.at, new, b.at, length):
            at = a.at + offset
            yield Change("changed", old.paths[at], old.entry(at), new.entry(b.at + offset))
        a.skip(length)
        b.skip(length)


def _shared_paths(old: list[str], at: int, new: list[str], there: int) -> int:
    """Return for how many entries from here on the paths are the same."""
    length = min(len(old) - at, len(new) - there)
    if old[at : at + length] == new[there : there + length]:
        return length
    pairs = enumerate(zip(old[at:], new[there:], strict=False))
    return next(offset for offset, (one, other) in pairs if one != other)


def _only(leaf: Leaf, at: int, kind: str) -> Change:
    entry = leaf.entry(at)
    if kind == "added":
        return Change("added", entry.path, None, entry)
    return Change("removed", entry.path, entry, None)

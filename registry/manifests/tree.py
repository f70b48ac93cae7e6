"""Build a tree from sorted items in one pass: a few nodes in memory, whatever the length of the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from registry.manifests.boundaries import Cutter
from registry.manifests.framing import Encoded
from registry.manifests.nodes import DIGEST, Draft, IndexDraft, Ref


class NodeSink(Protocol):
    """Takes each node as it is done, children before parents."""

    def put(self, node: Encoded, draft: Draft) -> None: ...


class _Level:
    __slots__ = ("cutter", "draft", "make", "nodes")

    def __init__(self, level: int, make: Callable[[], Draft]) -> None:
        self.make = make
        self.draft = make()
        self.cutter = Cutter(level)
        self.nodes = 0


class TreeBuilder:
    """Cuts items into leaves, the leaves into index nodes, and so on up to one root."""

    def __init__(self, kind: str, leaf: Callable[[], Draft], sink: NodeSink) -> None:
        self._kind = kind
        self._sink = sink
        self._levels = [_Level(0, leaf)]

    def add(self, key: bytes, weight: int, item: Any) -> None:
        """Take the next item; the caller sees to it that keys ascend."""
        self._push(0, key, weight, item)

    def finish(self) -> Ref:
        """Close what is open and return the root; a list without items has an empty leaf."""
        level = 0
        while True:
            present = self._levels[level]
            if present.nodes == 0:
                return self._emit(level)
            if present.draft.count:
                self._cut(level)
            level += 1
            if present.nodes == 1:
                # The single node of a level is the root; the level above holds but it, and is dropped.
                return self._only(level)

    def _only(self, level: int) -> Ref:
        draft = self._levels[level].draft
        if not isinstance(draft, IndexDraft):
            raise TypeError("The level above the root can only hold the root.")
        return draft.refs[0]

    def _push(self, level: int, key: bytes, weight: int, item: Any) -> None:
        present = self._levels[level]
        if present.cutter.overflows(weight):
            self._cut(level)
        present.draft.append(item)
        if present.cutter.ends_after(key, weight):
            self._cut(level)

    def _cut(self, level: int) -> None:
        ref = self._emit(level)
        if level + 1 == len(self._levels):
            self._levels.append(_Level(level + 1, lambda: IndexDraft(self._kind)))
        last = ref.last.encode()
        self._push(level + 1, last, len(last) + len(ref.first) + DIGEST + 18, ref)

    def _emit(self, level: int) -> Ref:
        present = self._levels[level]
        draft = present.draft
        node = draft.encode(level)
        self._sink.put(node, draft)
        present.draft = present.make()
        present.cutter.reset()
        present.nodes += 1
        return Ref(node.digest, level, draft.count, draft.total, draft.first, draft.last)

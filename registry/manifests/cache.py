"""A few decoded nodes per process; a node never changes, so what is kept is never stale.

They are kept by entity and digest: a leaf says which bytes are there, which is true in one entity alone.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TypeAlias

from registry.manifests.nodes import Index
from registry.manifests.walk import Node

Key: TypeAlias = tuple[int, bytes]

MOST_BYTES = 32 * 1024 * 1024
# What a decoded item takes beside its bytes: strings, slots of lists.
_ITEM_BYTES = 150
_CHILD_BYTES = 500


class NodeCache:
    """Keeps what was used last, up to a number of bytes."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._nodes: OrderedDict[Key, tuple[Node, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Key) -> Node | None:
        with self._lock:
            found = self._nodes.get(key)
            if found is None:
                return None
            self._nodes.move_to_end(key)
            return found[0]

    def put(self, key: Key, node: Node, length: int) -> None:
        """Keep a node that took `length` bytes in the store."""
        items = len(node.refs) * _CHILD_BYTES if isinstance(node, Index) else node.count * _ITEM_BYTES
        weight = length + items
        with self._lock:
            if key in self._nodes:
                self._bytes -= self._nodes.pop(key)[1]
            self._nodes[key] = node, weight
            self._bytes += weight
            while self._bytes > self._most and self._nodes:
                self._bytes -= self._nodes.popitem(last=False)[1][1]

    def clear(self) -> None:
        with self._lock:
            self._nodes.clear()
            self._bytes = 0


shared = NodeCache()

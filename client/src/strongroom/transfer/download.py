"""Downloading a version: what is there stays, what the cache has is copied, the rest is fetched and verified."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from itertools import islice

from strongroom._http import Session
from strongroom.cache import Cache
from strongroom.core.paths import folded
from strongroom.errors import LocalFileError, PathCollision
from strongroom.progress import Progress
from strongroom.store import EntryStore, Item
from strongroom.transfer.bringing import bring
from strongroom.transfer.placing import Group, Placer
from strongroom.transfer.references import References
from strongroom.transfer.tree import Tree

# So many entries are looked at together; equal ones among them are fetched once.
WINDOW = 20_000


def download(
    session: Session, version: str, store: EntryStore, root: str, *, label: str, use_cache: bool,
    allow_missing_references: bool = False, prefix: str = "",
) -> None:  # fmt: skip
    """Bring the entries of a store, or those whose path starts with the prefix, below the root folder."""
    # What the cache has could be had without the server; offline it is refused like the rest, as the reference says.
    session.refuse_offline()
    try:
        is_new = not os.path.isdir(root) or not os.listdir(root)
        with ExitStack() as stack:
            trees = _Trees(root, stack)
            _check_names(trees.mine(), store)
            cache = Cache() if use_cache else None
            bar = stack.enter_context(Progress(label, store.size(prefix)))
            placer = Placer(trees.mine, cache)
            # With nothing here and nothing in the cache, there is nothing to look for.
            look = not is_new or (cache is not None and not cache.is_empty())
            references = References(session, placer, bar, skip=allow_missing_references, look=look)
            items = store.items(prefix)
            while window := list(islice(items, WINDOW)):
                blobs = [item for item in window if item.ref is None]
                bring(_grouped(blobs), session, version, placer, bar, look=look)
                references.bring([item for item in window if item.ref is not None])
            if cache is not None:
                cache.settle()
    except OSError as error:
        raise LocalFileError(
            f"{error.filename or root} cannot be written: {error.strerror or error}."
        ) from error


class _Trees:
    """A tree for each thread, closed together."""

    def __init__(self, root: str, stack: ExitStack) -> None:
        self._root, self._stack = root, stack
        self._local = threading.local()

    def mine(self) -> Tree:
        """Return the tree of the present thread."""
        tree: Tree | None = getattr(self._local, "tree", None)
        if tree is None:
            tree = self._local.tree = Tree(self._root)
            self._stack.callback(tree.close)
        return tree


def _check_names(tree: Tree, store: EntryStore) -> None:
    """Refuse, before the first byte, names that the file system would take for one."""
    if not tree.ignores_case():
        return
    twins = store.folded_twins(folded)
    if twins:
        raise PathCollision(
            f"{twins[0]!r} and {twins[1]!r} are one name to the file system of {tree.root};"
            " download to one that keeps upper and lower case apart."
        )


def _grouped(window: list[Item]) -> list[Group]:
    groups: dict[bytes, Group] = {}
    for item in window:
        groups.setdefault(item.sha256 or b"", Group(item, [])).paths.append(item.path)
    return list(groups.values())

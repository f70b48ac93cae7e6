"""Downloading a version: what is there stays, what the cache has is copied, the rest is fetched and verified."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice

from strongroom._http import Session
from strongroom.cache import Cache
from strongroom.core.paths import folded
from strongroom.errors import InvalidReference, LocalFileError, PathCollision
from strongroom.progress import Progress
from strongroom.staging import SMALL
from strongroom.store import EntryStore, Item
from strongroom.transfer import bundles
from strongroom.transfer.fetch import Fetcher
from strongroom.transfer.placing import Group, Placer
from strongroom.transfer.pool import BoundedPool
from strongroom.transfer.tree import Tree

# So many entries are looked at together; equal ones among them are fetched once.
WINDOW = 20_000
LOOKED_AT = 500
FETCHERS = 2
BUNDLE_FILES = 1000


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
            items = _blobs(store, prefix, allow_missing_references)
            while window := list(islice(items, WINDOW)):
                _bring(_grouped(window), session, version, placer, bar, look=look)
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


def _blobs(store: EntryStore, prefix: str, allow_missing_references: bool) -> Iterator[Item]:
    for item in store.items(prefix):
        if item.ref is None:
            yield item
        elif not allow_missing_references:
            raise InvalidReference(
                f"{item.path!r} is a reference to {item.ref}, which this client cannot fetch;"
                " pass allow_missing_references=True to download the rest."
            )
        else:
            warnings.warn(f"{item.path!r} was skipped: it is a reference to {item.ref}.", stacklevel=2)


def _grouped(window: list[Item]) -> list[Group]:
    groups: dict[bytes, Group] = {}
    for item in window:
        groups.setdefault(item.sha256 or b"", Group(item, [])).paths.append(item.path)
    return list(groups.values())


def _bring(
    groups: list[Group], session: Session, version: str, placer: Placer, bar: Progress, *, look: bool
) -> None:
    """Bring one window of entries: each digest once, small ones many to a request."""
    if look:
        lacking: list[Group] = []
        with BoundedPool(FETCHERS) as pool:
            for at in range(0, len(groups), LOOKED_AT):
                pool.submit(_settle, groups[at : at + LOOKED_AT], placer, lacking, pool.watched(bar.add))
        groups = sorted(lacking, key=lambda group: group.paths[0])
    with BoundedPool(FETCHERS) as pool:
        fetcher = Fetcher(session, version, placer, pool.watched(bar.add))
        small = [group for group in groups if group.size <= SMALL]
        for some in bundles.group(small, most=BUNDLE_FILES):
            pool.submit(fetcher.fetch_bundle, some)
        for group in groups:
            if group.size > SMALL:
                pool.submit(fetcher.fetch_large, group)


def _settle(groups: list[Group], placer: Placer, lacking: list[Group], watch: bundles.Watch) -> None:
    """Do what needs no server; what is left to fetch is added to `lacking`."""
    for group in groups:
        total = group.size * len(group.paths)
        if placer.settle(group):
            watch(total)
        else:
            watch(total - group.size * len(group.paths))
            lacking.append(group)

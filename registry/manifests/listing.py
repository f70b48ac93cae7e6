"""One page of one folder: sub-folders with what lies below them, then files, read where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from strongroom.core.errors import InvalidQuery, NotFound
from strongroom.core.manifest import Entry

from registry.manifests.folders import PARENT_END, FolderLeaf, FolderRecord, folder_key, split_key
from registry.manifests.nodes import Index, Ref
from registry.manifests.walk import NodeSource, as_folder_leaf, folder_leaves, leaves, seek

# The characters after the two that end a parent and a folder: the first keys that lie beyond.
_AFTER_PARENT, _AFTER_FOLDER = "\x01", "0"


@dataclass(slots=True, frozen=True)
class Folder:
    """A sub-folder, with everything below it counted."""

    name: str
    path: str
    files: int
    size: int


@dataclass(slots=True, frozen=True)
class FolderPage:
    """What a folder shows at once, and the cursor of what follows."""

    path: str
    folders: list[Folder]
    files: list[Entry]
    next: str | None


@dataclass(slots=True, frozen=True)
class Trees:
    """The two trees of one manifest."""

    source: NodeSource
    entries: Ref
    folders: Ref


def find_folder(trees: Trees, path: str) -> FolderRecord | None:
    """Return the record of a folder below the root, or None when there is none."""
    parent, _, name = path.rpartition("/")
    key = folder_key(parent, name)
    node = seek(trees.source, trees.folders, key)
    if node is None:
        return None
    leaf = as_folder_leaf(node)
    at = leaf.since(key)
    return leaf.record(at) if at < leaf.count and leaf.keys[at] == key else None


def page(trees: Trees, path: str, cursor: str | None, limit: int) -> FolderPage:
    """Return up to `limit` folders and files; the cursor is the kind and name of the last one shown."""
    path = path.strip("/")
    if path and find_folder(trees, path) is None:
        raise NotFound(f"There is no folder “{path}” in this version; check the path.", path=path)
    shown = list(islice(_items(trees, path, *_parse(cursor)), limit + 1))
    more, shown = len(shown) > limit, shown[:limit]
    folders = [item for item in shown if isinstance(item, Folder)]
    files = [item for item in shown if isinstance(item, Entry)]
    return FolderPage(path, folders, files, _cursor(shown[-1]) if more and shown else None)


def _parse(cursor: str | None) -> tuple[str | None, str | None]:
    """Return the folder and the file after which to go on."""
    if not cursor:
        return None, None
    kind, colon, name = cursor.partition(":")
    # A slash would put the start inside a sub-folder, whose files would then pass for this folder's.
    if kind not in ("d", "f") or not colon or not name or "/" in name:
        raise InvalidQuery(
            "This cursor is not one of a folder listing; start again without it.", cursor=cursor
        )
    return (name, None) if kind == "d" else (None, name)


def _cursor(item: Folder | Entry) -> str:
    return f"d:{item.name}" if isinstance(item, Folder) else f"f:{item.path.rpartition('/')[2]}"


def _items(trees: Trees, path: str, folder: str | None, file: str | None) -> Iterator[Folder | Entry]:
    if file is None:
        yield from _folders(trees, path, folder)
    yield from _files(trees, path, file)


def _folders(trees: Trees, path: str, after: str | None) -> Iterator[Folder]:
    prefix = f"{path}/" if path else ""
    low = path + PARENT_END if after is None else folder_key(path, after)
    high = path + _AFTER_PARENT
    for leaf in folder_leaves(trees.source, trees.folders, low):
        for at in range(leaf.since(low), leaf.count):
            record = leaf.record(at)
            if record.key >= high:
                return
            if after is None or record.key != low:
                name = split_key(record.key)[1]
                yield Folder(name, prefix + name, record.files, record.size)


def _files(trees: Trees, path: str, after: str | None) -> Iterator[Entry]:
    """Give the folder's own files; folders among them are jumped over, not read through."""
    prefix = f"{path}/" if path else ""
    start = prefix + (after or "")
    for previous, record in _gaps(trees, path, after or ""):
        low = max(start, prefix + split_key(previous)[1] + _AFTER_FOLDER) if previous else start
        high = prefix + split_key(record.key)[1] + "/" if record else None
        for leaf in leaves(trees.source, trees.entries, low):
            end = leaf.count if high is None else leaf.since(high)
            for at in range(leaf.since(low), end):
                found = leaf.paths[at]
                if not found.startswith(prefix):
                    return
                if after is None or found != start:
                    yield leaf.entry(at)
            if end < leaf.count:
                break


def _gaps(trees: Trees, path: str, after: str) -> Iterator[tuple[str, FolderRecord | None]]:
    """Give each stretch of files as the folders on both sides of it; the last stretch ends with no folder.

    Subtrees of folders without files between them are not read: their `total` is zero.
    """
    low, high = path + PARENT_END + after, path + _AFTER_PARENT
    previous, stack = "", [trees.folders]
    while stack:
        ref = stack.pop()
        # Of a root nothing is known before it is read.
        if ref.level >= 0 and ref.first >= high:
            break
        if ref.level >= 0 and ref.total == 0 and ref.last < high:
            previous = ref.last if ref.last >= low else ""
            continue
        node = trees.source.get(ref)
        if isinstance(node, Index):
            stack.extend(reversed(node.from_key(low)))
            continue
        for record in _between(as_folder_leaf(node), low, high):
            if record.gap:
                yield previous, record
            previous = record.key
    yield previous, None


def _between(leaf: FolderLeaf, low: str, high: str) -> Iterator[FolderRecord]:
    for at in range(leaf.since(low), leaf.since(high)):
        yield leaf.record(at)

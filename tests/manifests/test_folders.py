"""Folder pages: the same as counting everything, but read from where the page lies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.errors import InvalidQuery, NotFound

from registry.manifests.listing import Folder, find_folder, page
from tests.manifests.trees import ENTRY_SETS, MemoryNodes, build, file, same_for_all


def model(entries, path):
    """List a folder by looking at every entry."""
    prefix = f"{path}/" if path else ""
    folders, files = {}, []
    for entry in entries:
        if not entry.path.startswith(prefix):
            continue
        name, slash, _ = entry.path[len(prefix) :].partition("/")
        if slash:
            found = folders.setdefault(name, [0, 0])
            found[0] += 1
            found[1] += entry.size
        else:
            files.append(entry)
    listed = [Folder(name, prefix + name, *found) for name, found in folders.items()]
    return sorted(listed, key=lambda folder: folder.name + "/"), files


def all_pages(trees, path, limit):
    folders, files, cursor = [], [], None
    while True:
        found = page(trees, path, cursor, limit)
        assert 0 < len(found.folders) + len(found.files) <= limit or cursor is None
        folders += found.folders
        files += found.files
        cursor = found.next
        if cursor is None:
            return folders, files


def folders_of(entries):
    return {""} | {e.path[:at] for e in entries for at, letter in enumerate(e.path) if letter == "/"}


@pytest.mark.usefixtures("small_nodes")
@same_for_all
@given(ENTRY_SETS, st.integers(1, 5))
def test_pages_of_every_folder_add_up_to_the_folder(entries, limit):
    trees = build(MemoryNodes(), entries)
    for path in folders_of(entries):
        assert all_pages(trees, path, limit) == model(entries, path)


@pytest.mark.usefixtures("small_nodes")
@same_for_all
@given(ENTRY_SETS)
def test_totals_of_every_folder_are_kept(entries):
    trees = build(MemoryNodes(), entries)
    for path in folders_of(entries) - {""}:
        below = [entry.size for entry in entries if entry.path.startswith(f"{path}/")]
        record = find_folder(trees, path)
        assert (record.files, record.size) == (len(below), sum(below))


@pytest.mark.usefixtures("small_nodes")
@same_for_all
@given(ENTRY_SETS)
def test_sorting_on_disk_changes_nothing(entries):
    assert build(MemoryNodes(), entries, run_bytes=500) == _same_nodes(build(MemoryNodes(), entries), entries)


def _same_nodes(trees, entries):
    class Equal:
        def __eq__(self, other):
            return (other.entries, other.folders) == (trees.entries, trees.folders)

    return Equal()


def test_a_folder_of_a_hundred_thousand_files_pages_by_a_few_reads():
    entries = [file(f"big/{at:06}") for at in range(100_000)]
    nodes = MemoryNodes()
    trees = build(nodes, entries)
    cursor, seen, pages = None, 0, 0
    while pages == 0 or cursor:
        nodes.reads = 0
        found = page(trees, "big", cursor, 1000)
        assert nodes.reads < 16
        seen += len(found.files)
        cursor, pages = found.next, pages + 1
    assert (seen, pages) == (100_000, 100)


def test_files_after_and_between_large_folders_are_reached_without_reading_them():
    folders = [file(f"f{at // 1000:03}/{at:06}") for at in range(100_000)]
    entries = sorted([*folders, file("README.md"), file("f050-notes"), file("zz")], key=lambda e: e.path)
    nodes = MemoryNodes()
    trees = build(nodes, entries)
    nodes.reads = 0
    found = page(trees, "", "d:f099", 10)
    assert [entry.path for entry in found.files] == ["README.md", "f050-notes", "zz"]
    assert nodes.reads < 24


def test_a_folder_without_files_of_its_own_ends_without_reading_leaves_of_entries():
    nodes = MemoryNodes()
    trees = build(nodes, [file(f"f{at // 1000:03}/{at:06}") for at in range(100_000)])
    nodes.reads = 0
    assert page(trees, "", "d:f099", 10).next is None
    assert nodes.reads < 8


def test_a_folder_that_is_not_there_is_not_found():
    trees = build(MemoryNodes(), [file("a/b")])
    for path in ["b", "a/b", "a/c"]:
        with pytest.raises(NotFound, match="no folder"):
            page(trees, path, None, 10)


@pytest.mark.parametrize("cursor", ["x", "d:", "x:y", "f:a/b"])
def test_a_cursor_of_something_else_is_refused(cursor):
    with pytest.raises(InvalidQuery):
        page(build(MemoryNodes(), [file("a/b")]), "", cursor, 10)

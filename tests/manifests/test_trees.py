"""Trees of entries: what goes in comes out, and equal sets make equal trees."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.manifest import Entry

from registry.manifests import boundaries
from registry.manifests.nodes import Ref
from registry.manifests.walk import as_leaf, leaf_groups, leaves, root_ref, seek
from tests.manifests.trees import ENTRY_SETS, PATHS, MemoryNodes, build, file, same_for_all

pytestmark = pytest.mark.usefixtures("small_nodes")


def read_all(nodes: MemoryNodes, root: bytes, key: str = "") -> list[Entry]:
    found = [entry for leaf in leaves(nodes, root_ref(root), key) for entry in leaf.entries(0, leaf.count)]
    assert all(one.path < other.path for one, other in pairwise(found))
    return found


@same_for_all
@given(ENTRY_SETS)
def test_a_tree_gives_back_its_entries(entries):
    nodes = MemoryNodes()
    root = build(nodes, entries).entries
    assert read_all(nodes, root.digest) == entries
    assert root.count == len(entries)
    assert root.total == sum(entry.size for entry in entries)


@same_for_all
@given(ENTRY_SETS, PATHS)
def test_reading_from_a_key_skips_only_what_lies_before(entries, key):
    nodes = MemoryNodes()
    root = build(nodes, entries).entries
    found = [entry for entry in read_all(nodes, root.digest, key) if entry.path >= key]
    assert found == [entry for entry in entries if entry.path >= key]


@same_for_all
@given(ENTRY_SETS, PATHS)
def test_every_path_is_found_and_no_other(entries, other):
    nodes = MemoryNodes()
    root = root_ref(build(nodes, entries).entries.digest)
    by_path = {entry.path: entry for entry in entries}
    for path in [*by_path, other]:
        node = seek(nodes, root, path)
        leaf = None if node is None else as_leaf(node)
        at = None if leaf is None else leaf.find(path)
        assert (None if at is None else leaf.entry(at)) == by_path.get(path)


@same_for_all
@given(ENTRY_SETS, st.randoms(use_true_random=False))
def test_the_same_set_has_the_same_root_whatever_was_staged_before(entries, chance):
    history = MemoryNodes()
    for _ in range(3):
        build(history, [entry for entry in entries if chance.random() < 0.5])
    again, fresh = build(history, entries), build(MemoryNodes(), entries)
    assert (again.entries, again.folders) == (fresh.entries, fresh.folders)


def test_a_list_without_boundaries_is_cut_by_count(monkeypatch):
    monkeypatch.setattr(boundaries, "LEAF", boundaries.Rule(mean=1 << 31, fewest=2, most=8))
    nodes = MemoryNodes()
    root = build(nodes, [file(f"{at:04}") for at in range(100)]).entries
    assert {ref.count for group in leaf_groups(nodes, root) for ref in group} == {8, 4}


def test_a_list_of_nothing_but_boundaries_still_comes_to_an_end(monkeypatch):
    monkeypatch.setattr(boundaries, "LEAF", boundaries.Rule(mean=2, fewest=1, most=8))
    monkeypatch.setattr(boundaries.Rule, "threshold", property(lambda self: b"\xff" * 5))
    nodes = MemoryNodes()
    root = build(nodes, [file(f"{at:04}") for at in range(64)]).entries
    assert root.level == 6
    assert len(read_all(nodes, root.digest)) == 64


def test_long_paths_are_cut_by_bytes(monkeypatch):
    monkeypatch.setattr(
        boundaries, "LEAF", boundaries.Rule(mean=1 << 31, fewest=2, most=4096, most_bytes=20_000)
    )
    nodes = MemoryNodes()
    root = build(nodes, [file(f"{at:04}/{'x' * 4000}") for at in range(20)]).entries
    assert {ref.count for group in leaf_groups(nodes, root) for ref in group} == {4}


def test_an_empty_manifest_is_one_empty_leaf():
    nodes = MemoryNodes()
    trees = build(nodes, [])
    assert len(nodes.stored) == 2
    assert read_all(nodes, trees.entries.digest) == []
    assert seek(nodes, root_ref(trees.entries.digest), "a").find("a") is None


def test_a_change_of_one_entry_changes_one_node_a_level():
    nodes, chance = MemoryNodes(), random.Random(1)
    paths = sorted({f"{chance.randrange(1 << 40):010x}" for _ in range(2000)})
    build(nodes, map(file, paths))
    before = set(nodes.stored)
    changed = build(nodes, [file(path, "new" if path == paths[1000] else "") for path in paths])
    assert len(set(nodes.stored) - before) == changed.entries.level + 1


def test_adding_an_entry_realigns_within_a_few_leaves():
    nodes, chance = MemoryNodes(), random.Random(2)
    paths = sorted({f"{chance.randrange(1 << 40):010x}" for _ in range(2000)})
    build(nodes, map(file, paths))
    before = set(nodes.stored)
    for at in chance.sample(range(2000), 20):
        build(nodes, map(file, sorted([*paths, paths[at] + "x"])))
    assert len(set(nodes.stored) - before) < 20 * 20


def test_references_and_extras_come_back_as_they_went_in():
    entries = [
        file("a"),
        Entry("b", "etag-1", 12, None, "s3://bucket/key", {"etag": "1", "versionID": "é\n"}),
        Entry("c", "http://x", None, None, "http://x", None),
        Entry("d", None, 4, "ab" * 32, None, {"birthArtifactID": "QXJ0"}),
        file("e"),
    ]
    nodes = MemoryNodes()
    root = build(nodes, entries).entries
    assert read_all(nodes, root.digest) == entries


def test_the_order_of_keys_in_an_extra_does_not_change_the_identity():
    one = Entry("a", "d", 1, None, "s3://x", {"b": 1, "a": 2})
    other = Entry("a", "d", 1, None, "s3://x", {"a": 2, "b": 1})
    assert build(MemoryNodes(), [one]).entries == build(MemoryNodes(), [other]).entries


def test_a_claimed_md5_is_no_part_of_the_identity():
    claimed = file("a")
    claimed.digest = "AAAAAAAAAAAAAAAAAAAAAQ=="
    assert build(MemoryNodes(), [claimed]).entries == build(MemoryNodes(), [file("a")]).entries


@pytest.mark.parametrize("changed", [{"size": 9}, {"sha256": "cd" * 32}, {"extra": {"x": 1}}])
def test_whatever_else_an_entry_says_is_part_of_the_identity(changed):
    entry = file("a")
    for name, value in changed.items():
        setattr(entry, name, value)
    assert build(MemoryNodes(), [entry]).entries.digest != build(MemoryNodes(), [file("a")]).entries.digest


def test_the_root_is_pinned():
    """The identity of versions rests on this encoding: it may never change unnoticed."""
    entries = [
        file("a/b", "one", 3),
        file("c", "two", 3),
        Entry("d", "e1", None, None, "s3://b/k", {"etag": "e1"}),
    ]
    trees = build(MemoryNodes(), entries)
    assert isinstance(trees.entries, Ref)
    assert trees.entries.digest.hex() == "724ffa4c721db89061826b340832536eaed6bdea4f00755df386017b99419f35"
    assert trees.folders.digest.hex() == "1ce8e714b4f3ae33b3177494b4f17e3f4474793dfe5ed008e28c074eed85160f"

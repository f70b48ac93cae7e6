"""Differences of trees: right for every pair, and read only where the two differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from strongroom.core.manifest import Change, apply

from registry.manifests.diff import diff_trees
from tests.manifests.trees import ENTRY_SETS, PATHS, MemoryNodes, build, file, same_for_all


def model(a, b, after=""):
    old, new = {e.path: e for e in a}, {e.path: e for e in b}
    for path in sorted(old.keys() | new.keys()):
        if path > after and old.get(path) != new.get(path):
            kind = "changed" if path in old and path in new else "added" if path in new else "removed"
            yield Change(kind, path, old.get(path), new.get(path))


def differences(nodes, a, b, after=None):
    one, other = build(nodes, a).entries, build(nodes, b).entries
    nodes.reads = 0
    return list(diff_trees((nodes, nodes), one, other, after))


@pytest.mark.usefixtures("small_nodes")
@same_for_all
@given(ENTRY_SETS, ENTRY_SETS)
def test_applying_a_difference_gives_the_other_side(a, b):
    changes = differences(MemoryNodes(), a, b)
    assert changes == list(model(a, b))
    assert list(apply(iter(a), iter(changes))) == b


@pytest.mark.usefixtures("small_nodes")
@same_for_all
@given(ENTRY_SETS, ENTRY_SETS, PATHS)
def test_a_difference_goes_on_after_a_path(a, b, after):
    assert differences(MemoryNodes(), a, b, after) == list(model(a, b, after))


def numbered(count, changed=()):
    return [file(f"{at // 100:05}/{at:07}", "new" if at in changed else "") for at in range(count)]


def test_a_difference_reads_only_the_nodes_that_differ():
    nodes, changed = MemoryNodes(), {5, 6, 20_000, 49_999}
    found = differences(nodes, numbered(50_000), numbered(50_000, changed))
    assert len(found) == 4
    # Three leaves and the root of each side; the two roots are one level up.
    assert nodes.reads == 8


def test_an_equal_pair_is_not_read_at_all():
    nodes = MemoryNodes()
    assert differences(nodes, numbered(5000), numbered(5000)) == []
    assert nodes.reads == 0


def test_a_removed_stretch_is_read_on_one_side_and_the_rest_is_skipped():
    nodes, all_of_it = MemoryNodes(), numbered(50_000)
    found = differences(nodes, all_of_it, all_of_it[:10_000] + all_of_it[20_000:])
    assert [change.path for change in found] == [entry.path for entry in all_of_it[10_000:20_000]]
    assert nodes.reads < 10_000 / 1024 * 2 + 8


def test_an_empty_side_gives_everything():
    nodes = MemoryNodes()
    assert [change.kind for change in differences(nodes, [], numbered(10))] == ["added"] * 10
    assert [change.kind for change in differences(nodes, numbered(10), [])] == ["removed"] * 10

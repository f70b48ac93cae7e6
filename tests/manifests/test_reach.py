"""What many manifests name together: each node once, its first owner told, what is lost said."""

from __future__ import annotations

import pytest
from strongroom.core.errors import Damaged

from registry import manifests
from registry.manifests import source
from registry.manifests.reach import Reach
from registry.models import Chunk, Entity
from tests.manifests.blobs import entry

pytestmark = pytest.mark.django_db


def roots(scope: Entity, *lists: list) -> list[tuple[int, bytes]]:
    made = [manifests.stage(scope, entries).manifest for entries in lists]
    return [(at, bytes(manifest.root)) for at, manifest in enumerate(made)]


def shas(leaves) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for by, leaf in leaves:
        for sha in leaf.blobs():
            found.setdefault(by, set()).add(sha.hex())
    return found


def many(count: int, generation: int = 0) -> list:
    return [entry(f"folder-{at // 50:03}/{at:05}.bin", generation) for at in range(count)]


def test_each_leaf_comes_once_with_the_first_who_names_it(scope):
    one, other = [entry("a.bin"), entry("b.bin")], [entry("c.bin")]
    found = list(Reach[int](scope.pk).walk(roots(scope, one, other, one)))
    assert [by for by, _ in found] == [0, 1]
    assert shas(found) == {0: {row.sha256 for row in one}, 1: {other[0].sha256}}


@pytest.mark.parametrize("turned", [False, True])
def test_what_two_deep_trees_share_goes_to_who_comes_first(scope, turned):
    # The second has all of the first, and more: its leaves lie below other index nodes.
    short, long = many(6000), many(9000)
    both = roots(scope, short, long)
    if turned:
        both.reverse()
    first, second = both[0][0], both[1][0]
    found = shas(Reach[int](scope.pk).walk(both))
    every = {row.sha256 for row in long}
    assert found.get(first, set()) | found.get(second, set()) == every
    assert found[first] >= {row.sha256 for row in (long if turned else short)}


def test_a_root_that_lies_deep_in_an_earlier_tree_is_that_ones(scope):
    long = many(9000)
    [(_, root)] = roots(scope, long)
    everything = Reach[int](scope.pk)
    leaves = [leaf for _, leaf in everything.walk([(0, root)])]
    deep = leaves[3].sha256
    for owner_of_tree in (0, 1):
        order = [(0, root), (1, deep)] if owner_of_tree == 0 else [(0, deep), (1, root)]
        found = {leaf.sha256: by for by, leaf in Reach[int](scope.pk).walk(order)}
        assert found[deep] == 0
        assert len(found) == len(leaves)


def test_contents_are_those_of_the_leaves(scope):
    each = roots(scope, many(6000), [], many(9000), [entry("a.bin"), entry("b.bin")], many(100, 1))
    leaves = Reach[int](scope.pk).walk(each)
    plain = [(by, dict(zip(leaf.blobs(), leaf.sizes, strict=True))) for by, leaf in leaves]
    assert list(Reach[int](scope.pk).contents(each)) == plain
    assert len(plain) > 10


def test_contents_of_what_moved_meanwhile_are_read_from_where_it_is(scope, monkeypatch):
    each = roots(scope, many(100), [entry("a.bin")])
    wanted = list(Reach[int](scope.pk).contents(each))
    monkeypatch.setattr(source, "_bytes_of", lambda lies: b"of another")
    assert list(Reach[int](scope.pk).contents(each)) == wanted


def test_a_second_walk_gives_only_what_is_new(scope):
    reach = Reach[int](scope.pk)
    (first, second) = roots(scope, many(3000), [*many(3000), entry("z.bin")])
    list(reach.walk([first]))
    assert entry("z.bin").sha256 in shas(reach.walk([second]))[1]
    assert list(reach.walk([first, second])) == []
    assert reach.has(first[1])
    assert not reach.has(bytes(32))


def test_queries_do_not_grow_with_the_number_of_small_manifests(scope, django_assert_num_queries):
    each = roots(scope, *([entry(f"{at}.bin")] for at in range(60)))
    with django_assert_num_queries(1):
        assert len(list(Reach[int](scope.pk).walk(each))) == 60


def test_a_lost_node_is_damage_never_an_empty_answer(scope):
    [(at, root)] = roots(scope, many(6000))
    leaf = Chunk.objects.filter(scope=scope, kind="e", level=0).first()
    Chunk.objects.filter(pk=leaf.pk).delete()
    with pytest.raises(Damaged, match="not in the store"):
        list(Reach[int](scope.pk).walk([(at, root)]))
    with pytest.raises(Damaged, match="not in the store"):
        list(Reach[int](scope.pk).contents([(at, root)]))
    with pytest.raises(Damaged):
        list(Reach[int](scope.pk).walk([(0, bytes(31) + b"x")]))

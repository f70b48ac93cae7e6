"""Reading stored manifests: one path, a prefix, a page, a difference."""

from __future__ import annotations

import pytest

from registry import manifests
from registry.manifests import cache
from registry.models import Chunk
from tests.manifests.blobs import entry, upload

PATHS = sorted([f"{at // 100:03}/{at:05}.txt" for at in range(5000)] + ["README.md", "010-notes.txt"])


@pytest.fixture
def manifest(scope):
    upload(scope, PATHS)
    return manifests.stage(scope, map(entry, PATHS)).manifest


def test_paths_are_found_and_others_are_not(manifest):
    for path in PATHS[::97]:
        assert manifests.lookup(manifest, path) == entry(path, claim=True)
    for path in ["", "0", "000", "000/", "010", "zz", PATHS[7] + "x"]:
        assert manifests.lookup(manifest, path) is None


@pytest.mark.parametrize("prefix", ["", "0", "010", "010/", "010/0100", "README.md", "zz", "\U0010ffff"])
@pytest.mark.parametrize("after", [None, "", "010/01005.txt", "010/x", "README.md", "zz"])
def test_a_prefix_and_a_start_select_a_run(manifest, prefix, after):
    found = [one.path for one in manifests.entries(manifest, prefix, after)]
    assert found == [path for path in PATHS if path.startswith(prefix) and (after is None or path > after)]


def test_a_page_costs_a_fixed_number_of_queries(manifest, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(manifests.folder(manifest, "", None, 20).folders) == 20
    cache.shared.clear()
    # The leaf of folders, the root of entries, two leaves in one query.
    with django_assert_num_queries(3):
        assert len(manifests.folder(manifest, "030", None, 100).files) == 100


def test_a_difference_reads_only_what_the_two_do_not_share(scope, manifest, monkeypatch):
    upload(scope, [PATHS[1000]], generation=1)
    changed = manifests.stage(scope, [entry(path, generation=path == PATHS[1000]) for path in PATHS]).manifest
    cache.shared.clear()
    loaded = []
    real = manifests.source.StoredNodes._load
    monkeypatch.setattr(
        manifests.source.StoredNodes,
        "_load",
        lambda self, ref, row: loaded.append(ref) or real(self, ref, row),
    )
    found = list(manifests.diff(manifest, changed))
    assert [(change.kind, change.path) for change in found] == [("changed", PATHS[1000])]
    assert found[0].before == entry(PATHS[1000], claim=True)
    assert len(loaded) == 4
    assert list(manifests.diff(manifest, changed, after=PATHS[1000])) == []


def test_chunks_say_what_they_are(manifest):
    leaves = Chunk.objects.filter(kind="e", level=0)
    assert sum(leaves.values_list("entry_count", flat=True)) == len(PATHS)
    assert Chunk.objects.get(sha256=manifest.root).entry_count == len(PATHS)
    assert Chunk.objects.get(sha256=manifest.folders_root).kind == "f"

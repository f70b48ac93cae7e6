"""Staging: what is stored, what is looked up, what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from strongroom.core.entries import LONGEST_EXTRA
from strongroom.core.errors import (
    DigestMismatch,
    InvalidDigest,
    InvalidManifest,
    PathCollision,
    SizeMismatch,
)
from strongroom.core.manifest import Entry

from registry import manifests
from registry.manifests import writer
from registry.manifests.writer import NodeWriter
from registry.models import Chunk, Entity, Manifest, StoredObject
from tests.manifests.blobs import entry, upload, wandb_digest

PATHS = [f"train/{at // 100:03}/{at:05}.txt" for at in range(3000)]


def test_a_manifest_whose_blobs_are_there_is_sealed_at_once(scope):
    upload(scope, PATHS)
    staged = manifests.stage(scope, map(entry, PATHS))
    assert staged.missing_count == 0
    assert staged.digest == staged.manifest.digest == wandb_digest(entry(path, claim=True) for path in PATHS)
    assert staged.manifest.entry_count == 3000
    assert not Chunk.objects.filter(kind="e", level=0, md5s=None).exists()
    assert list(manifests.entries(staged.manifest)) == [entry(path, claim=True) for path in PATHS]


def test_missing_blobs_are_counted_once_each(scope):
    entries = [Entry(path, None, 3, "ab" * 32) for path in PATHS[:5]] + [entry(path) for path in PATHS[5:]]
    staged = manifests.stage(scope, entries)
    assert staged.missing_count == 2996
    assert staged.missing_bytes == 3 + sum(entry(path).size for path in PATHS[5:])
    assert (staged.digest, staged.manifest.digest) == (None, "")


def test_a_claimed_digest_is_answered_but_not_believed(scope):
    claimed = [entry(path, claim=True) for path in PATHS]
    staged = manifests.stage(scope, claimed)
    assert staged.digest == wandb_digest(claimed)
    assert staged.manifest.digest == ""


def test_staging_again_stores_nothing(scope):
    upload(scope, PATHS)
    first = manifests.stage(scope, map(entry, PATHS))
    objects = StoredObject.objects.count()
    again = manifests.stage(scope, map(entry, PATHS))
    assert (again.manifest, again.chunks_written) == (first.manifest, 0)
    assert StoredObject.objects.count() == objects
    assert again.digest == first.digest


def test_a_changed_entry_stores_only_its_chunks_and_looks_up_only_its_blobs(scope):
    upload(scope, PATHS)
    upload(scope, PATHS[:1], generation=1)
    manifests.stage(scope, map(entry, PATHS))
    entries = [entry(path, generation=path == PATHS[0]) for path in PATHS]
    staged = manifests.stage(scope, entries)
    # A leaf and the root above it; sizes are the same, so the folders are too.
    assert staged.chunks_written == 2
    assert staged.missing_count == 0


def test_leaves_that_are_known_ask_for_no_blobs(scope, monkeypatch):
    upload(scope, PATHS)
    manifests.stage(scope, map(entry, PATHS))
    monkeypatch.setattr("registry.storage.known", _never)
    assert manifests.stage(scope, (entry(path, claim=True) for path in PATHS)).digest


def _never(*args: object) -> None:
    raise AssertionError("No blob should have been looked up.")


def test_another_entity_does_not_share_chunks_or_blobs(scope):
    other = Entity.objects.create(name="other", folded="other", kind="team")
    upload(scope, PATHS)
    manifests.stage(scope, map(entry, PATHS))
    staged = manifests.stage(other, map(entry, PATHS))
    assert staged.missing_count == 3000
    assert staged.chunks_written > 3


def test_a_manifest_of_nothing_is_one(scope):
    staged = manifests.stage(scope, [])
    assert staged.digest == staged.manifest.digest == wandb_digest([])
    assert list(manifests.entries(staged.manifest)) == []
    assert manifests.folder(staged.manifest).files == []
    assert manifests.seal(staged.manifest).digest == wandb_digest([])
    assert manifests.stage(scope, []).manifest == staged.manifest


def test_references_need_no_blobs(scope):
    entries = [
        Entry("a", "etag", None, None, "s3://b/a", {"etag": "etag"}),
        Entry("b", "e2", 5, None, "s3://b/b"),
    ]
    staged = manifests.stage(scope, entries)
    assert staged.manifest.digest == wandb_digest(entries)
    assert list(manifests.entries(staged.manifest)) == entries


def test_a_size_that_is_not_the_blobs_is_refused_with_its_path(scope):
    upload(scope, PATHS)
    entries = [entry(path) for path in PATHS]
    entries[7].size += 1
    with pytest.raises(SizeMismatch, match="00007.txt") as caught:
        manifests.stage(scope, entries)
    assert caught.value.details["path"] == PATHS[7]
    assert not Manifest.objects.exists()


@pytest.mark.parametrize("known", [False, True])
def test_an_md5_that_is_not_the_blobs_is_refused_with_its_path(scope, known):
    upload(scope, PATHS)
    if known:
        manifests.stage(scope, map(entry, PATHS))
    entries = [entry(path, claim=True) for path in PATHS]
    entries[7].digest = entries[8].digest
    with pytest.raises(DigestMismatch) as caught:
        manifests.stage(scope, entries)
    assert caught.value.details["path"] == PATHS[7]


@pytest.mark.parametrize(
    ("paths", "error"),
    [
        (["b", "a"], InvalidManifest),
        (["a", "a"], PathCollision),
        (["a", "a-b", "a/c"], PathCollision),
        (["a", "a/b"], PathCollision),
    ],
)
def test_paths_that_make_no_tree_are_refused(scope, paths, error):
    with pytest.raises(error):
        manifests.stage(scope, [Entry(path, None, 1, "ab" * 32) for path in paths])
    assert not Manifest.objects.exists()


def test_the_digest_that_stands_for_none_is_refused(scope):
    with pytest.raises(InvalidDigest, match="all zeros"):
        manifests.stage(scope, [Entry("a", None, 1, "00" * 32)])


def test_the_largest_extra_that_an_entry_takes_fits_a_leaf(scope):
    # Two bytes in UTF-8, six as they are kept.
    extra = {"x": "é" * (LONGEST_EXTRA // 2 - 10)}
    entries = [Entry(f"{at}", "d", 1, None, "s3://x", extra).check() for at in range(5)]
    staged = manifests.stage(scope, entries)
    assert list(manifests.entries(staged.manifest)) == entries


def test_sizes_beyond_any_storage_are_refused(scope):
    entries = [Entry(f"{at}", "d", 1 << 62, None, "s3://x") for at in range(3)]
    with pytest.raises(InvalidManifest, match="add up"):
        manifests.stage(scope, entries)


def test_two_stagings_of_one_content_at_once_both_succeed(scope, monkeypatch):
    """The second looks before the first has written, and writes after it."""
    upload(scope, PATHS)
    look_up, raced = NodeWriter._look_up, []

    def late(self, digests):
        found = look_up(self, digests)
        if not raced:
            raced.append(True)
            manifests.stage(scope, map(entry, PATHS))
        return found

    monkeypatch.setattr(NodeWriter, "_look_up", late)
    staged = manifests.stage(scope, map(entry, PATHS))
    assert staged.chunks_written > 0
    assert Manifest.objects.get() == staged.manifest
    assert len(list(manifests.entries(staged.manifest))) == 3000


def test_nodes_are_written_in_packs_as_they_fill(scope, monkeypatch):
    monkeypatch.setattr(writer, "_BATCH_BYTES", 20_000)
    monkeypatch.setattr(writer, "_PACK_BYTES", 20_000)
    staged = manifests.stage(scope, map(entry, PATHS))
    assert StoredObject.objects.count() >= 2
    assert len(list(manifests.entries(staged.manifest))) == 3000


def test_what_is_staged_again_is_marked_as_in_use(scope):
    staged = manifests.stage(scope, map(entry, PATHS))
    long_ago = timezone.now() - timedelta(days=30)
    Chunk.objects.update(used_at=long_ago)
    Manifest.objects.update(used_at=long_ago)
    manifests.stage(scope, map(entry, PATHS))
    assert not Chunk.objects.filter(used_at=long_ago).exists()
    assert Manifest.objects.get(pk=staged.manifest.pk).used_at > long_ago

"""From staged to sealed: missing blobs, sizes, damage, and doing it twice."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from django.utils import timezone
from strongroom.core.errors import BlobsMissing, DigestMismatch, SizeMismatch
from strongroom.core.manifest import Entry

from registry import manifests
from registry.models import Chunk, Entity, Manifest
from tests.manifests.blobs import content, damage_blob, entry, upload, wandb_digest

PATHS = [f"{at // 100:03}/{at:05}.txt" for at in range(5000)]
DIGEST = wandb_digest(entry(path, claim=True) for path in PATHS)


def all_missing(manifest, limit=1000):
    found, after = [], None
    while True:
        page = manifests.missing(manifest, after, limit)
        assert len(page.blobs) <= limit
        assert len({blob.sha256 for blob in page.blobs}) == len(page.blobs)
        found += page.blobs
        after = page.next
        if after is None:
            return found


def test_every_missing_blob_is_listed_in_path_order(scope):
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    assert [blob.path for blob in all_missing(manifest, 700)] == PATHS
    upload(scope, PATHS[::2])
    found = all_missing(manifest, 700)
    assert [blob.path for blob in found] == PATHS[1::2]
    assert found[0].sha256 == hashlib.sha256(content(PATHS[1])).hexdigest()
    assert found[0].size == len(content(PATHS[1]))
    upload(scope, PATHS[1::2])
    assert all_missing(manifest) == []


def test_bytes_that_another_entity_has_are_missing_here(scope):
    """What one entity's leaves say of their bytes is read into a cache, and is true of that entity alone."""
    upload(scope, PATHS)
    theirs = manifests.stage(scope, map(entry, PATHS)).manifest
    assert manifests.lookup(theirs, PATHS[0]) == entry(PATHS[0], claim=True)
    stranger = Entity.objects.create(name="stranger", folded="stranger", kind="user")
    ours = manifests.stage(stranger, map(entry, PATHS)).manifest
    with pytest.raises(BlobsMissing) as refused:
        manifests.seal(ours)
    assert refused.value.details["count"] == len(PATHS)
    assert manifests.lookup(ours, PATHS[0]) == entry(PATHS[0])
    assert not Chunk.objects.filter(scope=stranger, md5s__isnull=False).exists()
    upload(stranger, PATHS)
    assert manifests.seal(ours).digest == DIGEST


def test_an_md5_of_zeros_is_a_claim_like_any_other(scope):
    """Zeros stand for "a reference has none" in the store."""
    lie = replace(entry(PATHS[0]), digest="A" * 22 + "==")
    staged = manifests.stage(scope, [lie, Entry("ref", "etag", None, None, "s3://b/k")])
    assert staged.digest == wandb_digest([lie, Entry("ref", "etag", None, None, "s3://b/k")])
    upload(scope, PATHS[:1])
    with pytest.raises(DigestMismatch):
        manifests.stage(scope, [lie])


def test_a_blob_that_many_paths_name_is_listed_once_a_page(scope):
    entries = [Entry(path, None, 1, f"{at % 3:064x}".replace("0", "a")) for at, path in enumerate(PATHS)]
    manifest = manifests.stage(scope, entries).manifest
    page = manifests.missing(manifest, None, 3)
    assert [blob.path for blob in page.blobs] == PATHS[:3]
    assert page.next is None
    page = manifests.missing(manifest, None, 2)
    assert (len(page.blobs), page.next) == (2, PATHS[1])


def test_complete_leaves_are_not_read_to_find_what_is_missing(scope, monkeypatch):
    upload(scope, PATHS[:-1])
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    sizes = []
    real = manifests.sealing.known_blobs
    monkeypatch.setattr(
        manifests.sealing,
        "known_blobs",
        lambda scope, columns: sizes.append(len(columns[0])) or real(scope, columns),
    )
    assert [blob.path for blob in manifests.missing(manifest).blobs] == PATHS[-1:]
    assert len(sizes) == 1


def test_sealing_says_how_much_is_missing_and_names_the_first(scope):
    upload(scope, PATHS[100:])
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    with pytest.raises(BlobsMissing) as caught:
        manifests.seal(manifest)
    assert caught.value.details["count"] == 100
    assert caught.value.details["sha256"] == [
        hashlib.sha256(content(path)).hexdigest() for path in PATHS[:20]
    ]
    assert Manifest.objects.get().digest == ""


def test_sealing_sets_the_digest_and_the_md5s(scope):
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    assert manifests.lookup(manifest, PATHS[0]).digest is None
    upload(scope, PATHS)
    assert manifests.seal(manifest).digest == DIGEST
    assert Manifest.objects.get().digest == DIGEST
    # What was cached without its MD5s is not answered for ever.
    assert manifests.lookup(manifest, PATHS[0]) == entry(PATHS[0], claim=True)
    assert not Chunk.objects.filter(kind="e", level=0, md5s=None).exists()


def test_sealing_twice_is_the_same_as_once(scope, django_assert_num_queries):
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    upload(scope, PATHS)
    stale = Manifest.objects.get()
    manifests.seal(manifest)
    assert manifests.seal(stale).digest == DIGEST
    with django_assert_num_queries(1):
        manifests.seal(manifest)


def test_sealing_goes_on_after_a_crash_half_way(scope, monkeypatch):
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    upload(scope, PATHS)
    real, calls = manifests.sealing._complete, []

    def crash(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(manifests.sealing, "_complete", crash)
    with pytest.raises(KeyboardInterrupt):
        manifests.seal(manifest)
    assert Chunk.objects.filter(md5s__isnull=False).count() == 2
    monkeypatch.undo()
    assert manifests.seal(Manifest.objects.get()).digest == DIGEST


def test_a_size_that_turns_out_wrong_is_refused_with_its_path(scope):
    entries = [entry(path) for path in PATHS]
    entries[7].size += 1
    manifest = manifests.stage(scope, entries).manifest
    upload(scope, PATHS)
    with pytest.raises(SizeMismatch) as caught:
        manifests.seal(manifest)
    assert caught.value.details["path"] == PATHS[7]


def test_a_blob_gone_bad_is_missing_again_though_the_leaf_was_sealed(scope):
    upload(scope, PATHS)
    first = manifests.stage(scope, map(entry, PATHS)).manifest
    damage_blob(scope, PATHS[42])
    staged = manifests.stage(scope, map(entry, PATHS))
    assert (staged.missing_count, staged.manifest) == (1, first)
    assert [blob.path for blob in manifests.missing(staged.manifest).blobs] == [PATHS[42]]
    with pytest.raises(BlobsMissing):
        manifests.seal(staged.manifest)
    # Versions that exist keep their digests: only bytes were lost, not what is known of them.
    assert manifests.lookup(first, PATHS[42]) == entry(PATHS[42], claim=True)
    upload(scope, [PATHS[42]])
    assert manifests.missing(staged.manifest).blobs == []
    assert manifests.seal(staged.manifest).digest == DIGEST


def test_staging_after_the_blobs_came_seals_the_leaves_that_were_known(scope):
    manifests.stage(scope, map(entry, PATHS))
    upload(scope, PATHS)
    staged = manifests.stage(scope, map(entry, PATHS))
    assert (staged.manifest.digest, staged.chunks_written) == (DIGEST, 0)
    assert not Chunk.objects.filter(kind="e", level=0, md5s=None).exists()


def test_staging_beside_sealing_does_not_take_the_digest_away(scope, monkeypatch):
    """The row was read before the digest was set, and is written after it."""
    first = manifests.stage(scope, map(entry, PATHS[:20])).manifest
    now, sealed = timezone.now, []

    def sealed_meanwhile():
        if not sealed:
            sealed.append(True)
            upload(scope, PATHS[:20])
            manifests.seal(Manifest.objects.get(pk=first.pk))
        return now()

    monkeypatch.setattr(timezone, "now", sealed_meanwhile)
    assert manifests.stage(scope, map(entry, PATHS[:20])).manifest.pk == first.pk
    assert sealed
    assert Manifest.objects.get().digest != ""

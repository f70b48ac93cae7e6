"""Nodes that rot or vanish: never served, named, and healed by logging the same content again."""

from __future__ import annotations

import struct
import zlib

import pytest
from strongroom.core.errors import Damaged

from registry import manifests, storage
from registry.manifests import cache
from registry.manifests.framing import MAX_RAW, BrokenNode, open_frame
from registry.models import Chunk
from tests.manifests.blobs import entry, lose, rot, upload

PATHS = [f"{at // 100:03}/{at:05}.txt" for at in range(5000)]


def whole(manifest):
    return [found.path for found in manifests.entries(manifest)]


@pytest.mark.parametrize("which", [{"level": 0, "kind": "e"}, {"level": 1, "kind": "e"}])
def test_a_rotten_node_is_refused_and_named(scope, which):
    upload(scope, PATHS)
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    chunk = Chunk.objects.filter(**which).first()
    rot(chunk)
    with pytest.raises(Damaged, match="Log the same content again") as caught:
        whole(manifest)
    assert caught.value.details["chunk"] == chunk.sha256.hex()
    assert caught.value.details["object"] == chunk.object.name
    if which["level"] == 0:
        assert caught.value.details["first"] in str(caught.value)
    assert Chunk.objects.get(damaged_at__isnull=False) == chunk


def test_staging_again_heals_a_rotten_node(scope):
    upload(scope, PATHS)
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    chunk = Chunk.objects.filter(level=0, kind="e").first()
    rot(chunk)
    with pytest.raises(Damaged):
        whole(manifest)
    staged = manifests.stage(scope, map(entry, PATHS))
    assert staged.chunks_written == 1
    assert whole(manifest) == PATHS
    assert not Chunk.objects.filter(damaged_at__isnull=False).exists()
    assert Chunk.objects.filter(kind="e", level=0, md5s=None).count() == 0


def test_a_lost_object_is_damage_to_all_its_nodes_and_heals_at_once(scope):
    upload(scope, PATHS)
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    lose(Chunk.objects.first().object)
    with pytest.raises(Damaged):
        whole(manifest)
    assert manifests.stage(scope, map(entry, PATHS)).chunks_written == Chunk.objects.count()
    assert whole(manifest) == PATHS


def test_the_nodes_of_a_small_manifest_lie_in_their_rows_and_heal_like_others(scope):
    upload(scope, PATHS[:3])
    manifest = manifests.stage(scope, map(entry, PATHS[:3])).manifest
    assert not Chunk.objects.exclude(object=None).exists()
    leaf = Chunk.objects.get(kind="e", level=0)
    Chunk.objects.filter(pk=leaf.pk).update(data=bytes(leaf.data)[:-1])
    cache.shared.clear()
    with pytest.raises(Damaged):
        whole(manifest)
    manifests.stage(scope, map(entry, PATHS[:3]))
    assert whole(manifest) == PATHS[:3]


def test_a_row_that_is_gone_is_damage(scope):
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    Chunk.objects.filter(sha256=manifest.root).delete()
    with pytest.raises(Damaged, match="not in the store"):
        whole(manifest)
    manifests.stage(scope, map(entry, PATHS))
    assert whole(manifest) == PATHS


def test_every_flipped_bit_of_a_stored_node_is_noticed(scope):
    manifest = manifests.stage(scope, map(entry, PATHS[:20])).manifest
    chunk = Chunk.objects.get(sha256=manifest.root)
    stored = _bytes(chunk)
    open_frame(stored, chunk.sha256)
    for at in range(len(stored) * 8):
        broken = bytearray(stored)
        broken[at // 8] ^= 1 << at % 8
        try:
            frame = open_frame(bytes(broken), chunk.sha256)
        except BrokenNode:
            continue
        # The checksum of the compression may be off by a bit and the node still be whole.
        assert frame.count == 20


@pytest.mark.parametrize("cut", [0, 5, 9, 100, -1])
def test_a_node_cut_short_is_noticed(scope, cut):
    manifest = manifests.stage(scope, map(entry, PATHS[:20])).manifest
    chunk = Chunk.objects.get(sha256=manifest.root)
    with pytest.raises(BrokenNode):
        open_frame(_bytes(chunk)[:cut], chunk.sha256)


def test_a_node_that_inflates_without_end_is_refused():
    packed = zlib.compress(bytes(MAX_RAW * 4))
    with pytest.raises(BrokenNode):
        open_frame(struct.pack("<BII", 1, len(packed), 1000) + packed, bytes(32))


def test_the_cache_answers_what_was_verified_and_stays_within_its_bound(scope):
    upload(scope, PATHS)
    manifest = manifests.stage(scope, map(entry, PATHS)).manifest
    assert manifests.lookup(manifest, PATHS[0])
    rot(Chunk.objects.get(sha256=manifest.root))
    assert manifests.lookup(manifest, PATHS[0]) == entry(PATHS[0], claim=True)
    small = cache.NodeCache(most=1)
    key = (scope.pk, bytes(manifest.root))
    small.put(key, cache.shared.get(key), 10)
    assert small.get(key) is None


def _bytes(chunk: Chunk) -> bytes:
    if chunk.object is None:
        return bytes(chunk.data)
    return storage.read_piece(chunk.object, chunk.offset, chunk.length)

"""What the database refuses of chunks and manifests."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from registry import manifests
from registry.models import Chunk, Manifest
from tests.manifests.blobs import entry


@pytest.fixture
def manifest(scope):
    return manifests.stage(scope, [entry("a")]).manifest


def test_a_chunk_is_stored_once_an_entity(manifest):
    chunk = Chunk.objects.get(sha256=manifest.root)
    chunk.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        chunk.save(force_insert=True)


def test_a_chunk_of_an_unknown_kind_is_refused(manifest):
    with pytest.raises(IntegrityError), transaction.atomic():
        Chunk.objects.filter(sha256=manifest.root).update(kind="x")


def test_a_manifest_is_kept_once_an_entity(manifest):
    manifest.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        manifest.save(force_insert=True)


def test_manifests_of_two_entities_may_be_equal(manifest, scope):
    scope.pk, scope.name, scope.folded = None, "other", "other"
    scope.save(force_insert=True)
    other = manifests.stage(scope, [entry("a")]).manifest
    assert Manifest.objects.filter(root=other.root).count() == 2

"""What tests of manifests start from: nothing cached, an entity, and blobs that are really there."""

from __future__ import annotations

import pytest

from registry.manifests import boundaries, cache
from registry.models import Entity


@pytest.fixture
def small_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut every few entries."""
    monkeypatch.setattr(boundaries, "LEAF", boundaries.Rule(mean=4, fewest=2, most=8))
    monkeypatch.setattr(boundaries, "INDEX", boundaries.Rule(mean=3, fewest=2, most=5))


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.shared.clear()


@pytest.fixture
def scope(db: None) -> Entity:
    return Entity.objects.create(name="acme", folded="acme", kind="team")

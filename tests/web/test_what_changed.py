"""The history of a version says what an edit changed, not only that something did."""

from __future__ import annotations

import pytest

from registry.services import versions
from tests import factories

pytestmark = pytest.mark.django_db


def history(client, row) -> str:
    return client.get(f"{row.get_absolute_url()}/history").content.decode()


def test_each_changed_key_of_the_metadata_is_told(client, sample):
    client.force_login(sample.alice)
    row = sample.newest
    versions.edit(
        factories.actor(sample.alice), membership=row, metadata={"acc": 0.5, "same": 1, "gone": True}
    )
    versions.edit(
        factories.actor(sample.alice), membership=row, metadata={"acc": 0.75, "same": 1, "new": "<b>"}
    )
    text = history(client, row)
    assert "What changed in" in text
    text = text[
        : text.index("What changed in", text.index("What changed in") + 1)
    ]  # the newest event's alone
    for told in ("0.5", "0.75", "gone", "new", "&lt;b&gt;"):
        assert told in text
    assert ">same<" not in text


def test_of_large_metadata_the_changed_keys_are_told(client, sample):
    client.force_login(sample.alice)
    row, much = sample.newest, {f"key{at:02}": "x" * 400 for at in range(90)}
    versions.edit(factories.actor(sample.alice), membership=row, metadata={**much, "acc": 0.125})
    versions.edit(factories.actor(sample.alice), membership=row, metadata={**much, "acc": 0.875})
    text = history(client, row)
    assert "0.125" in text
    assert "0.875" in text
    assert "sha256" not in text


def test_a_card_is_compared_line_by_line(client, sample):
    client.force_login(sample.alice)
    row = sample.newest
    versions.edit(factories.actor(sample.alice), membership=row, description="# Title\n\nold line")
    versions.edit(factories.actor(sample.alice), membership=row, description="# Title\n\nnew line")
    text = history(client, row)
    assert "<del>old</del>" in text
    assert "<ins>new</ins>" in text

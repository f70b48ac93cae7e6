"""Old generations of Google and old versions of Azure: what is asked for, and what is made of the answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from strongroom.core.entries import Entry
from strongroom.core.references import check, expand, gcs, open_reference
from strongroom.errors import ReferenceChanged, ReferenceMissing

from tests.client.scripted import Request, ScriptedServer
from tests.references import keepers
from tests.references.support import added, paths, read

MIB = 1 << 20


@dataclass
class Shop:
    """A running store that keeps versions, and how its objects are addressed."""

    kind: str
    keeper: keepers.Keeper
    server: ScriptedServer

    def uri(self, name: str = "") -> str:
        if self.kind == "google":
            return f"gs://box/{name}"
        return f"https://{keepers.ACCOUNT}.blob.core.windows.net/box/{name}"

    def at(self, name: str, version: str) -> str:
        """The address of one version."""
        return self.uri(name) + (f"#{version}" if self.kind == "google" else f"?versionId={version}")

    @property
    def asked_for_bytes(self) -> list[Request]:
        if self.kind == "google":
            return [each for each in self.server.requests if each.path.startswith("/download/")]
        return [each for each in self.server.requests if each.method == "GET" and "comp" not in each.query]

    def version_of(self, request: Request) -> str | None:
        return request.query.get("generation" if self.kind == "google" else "versionid")


@pytest.fixture(params=["google", "azure"])
def shop(request, monkeypatch) -> Iterator[Shop]:
    """A store, and in the environment what its users set."""
    keeper = keepers.Google() if request.param == "google" else keepers.Azure()
    server = ScriptedServer(keeper)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        f"DefaultEndpointsProtocol=http;AccountName={keepers.ACCOUNT};AccountKey=c2VjcmV0;"
        f"BlobEndpoint={server.url}/{keepers.ACCOUNT};",
    )
    yield Shop(request.param, keeper, server)
    server.close()


def recorded(entry: Entry) -> str:
    return str(entry.extra["versionID"])


def test_the_version_is_recorded_and_read_after_another_took_its_place(shop, reach):
    old = shop.keeper.put("d/a.txt", b"hello")
    entry = added(shop.uri("d/a.txt"), reach)
    assert (entry.digest, entry.size, recorded(entry)) == (old.etag, 5, old.id)
    shop.keeper.put("d/a.txt", b"newer bytes")
    assert read(entry, reach) == b"hello"
    assert read(entry, reach, 2) == b"llo"
    assert {shop.version_of(each) for each in shop.asked_for_bytes} == {old.id}
    found = check(entry, reach)
    assert found.state == "changed"
    assert "the recorded version is still there" in found.why


def test_every_piece_of_a_large_object_is_asked_of_the_same_version(shop, reach):
    data = os.urandom(9 * MIB)
    old = shop.keeper.put("large", data)
    entry = added(shop.uri("large"), reach)
    with open_reference(entry, reach) as stream:
        found = stream.read(MIB)
        # In the middle somebody writes another.
        shop.keeper.put("large", bytes(9 * MIB))
        while piece := stream.read(MIB):
            found += piece
    assert found == data
    assert len(shop.asked_for_bytes) >= 3
    assert {shop.version_of(each) for each in shop.asked_for_bytes} == {old.id}


def test_a_deleted_object_is_missing_and_its_version_still_read(shop, reach):
    shop.keeper.put("a", b"hello")
    entry = added(shop.uri("a"), reach)
    shop.keeper.deleted.add("a")
    found = check(entry, reach)
    assert (found.state, "the recorded version is still there" in found.why) == ("missing", True)
    assert read(entry, reach) == b"hello"


def test_a_version_that_a_rule_removed_is_refused_and_never_replaced(shop, reach):
    old = shop.keeper.put("a", b"hello")
    entry = added(shop.uri("a"), reach)
    shop.keeper.put("a", b"other")
    shop.keeper.forget("a", old)
    with pytest.raises((ReferenceChanged, ReferenceMissing)):
        read(entry, reach)
    assert "the recorded version is gone" in check(entry, reach).why


def test_a_listing_takes_the_current_version_of_each_and_nothing_deleted(shop, reach, monkeypatch):
    for name in ("d/a", "d/b", "d/b", "d/b", "d/gone", "d/gone", "d/z"):
        current = shop.keeper.put(name, name.encode())
    shop.keeper.deleted.add("d/gone")
    monkeypatch.setattr(gcs, "PAGE", 2)
    found = list(expand(shop.uri("d"), reach=reach))
    assert [entry.path for entry in found] == ["a", "b", "z"]
    assert [recorded(entry) for entry in found] == [
        shop.keeper.versions[f"d/{entry.path}"][-1].id for entry in found
    ]
    assert recorded(found[-1]) == current.id
    assert paths(shop.uri("d"), reach, after="a") == ["b", "z"]


def test_an_old_version_can_be_added_by_its_address(shop, reach):
    old = shop.keeper.put("a", b"hello")
    shop.keeper.put("a", b"newer bytes")
    entry = added(shop.at("a", old.id), reach)
    assert (entry.ref, entry.digest, entry.size, recorded(entry)) == (shop.uri("a"), old.etag, 5, old.id)
    assert read(entry, reach) == b"hello"
    with pytest.raises(ReferenceMissing, match="no such version"):
        added(shop.at("a", "1"), reach)


def test_what_was_recorded_without_a_version(shop, reach):
    """Azure lists its versions, and one of that etag is taken; Google's old generations nobody looks through."""
    old = shop.keeper.put("a", b"hello")
    entry = replace(added(shop.uri("a"), reach), extra={"etag": old.etag})
    assert read(entry, reach) == b"hello"
    shop.keeper.put("a", b"newer bytes")
    if shop.kind == "azure":
        assert read(entry, reach) == b"hello"
    else:
        with pytest.raises(ReferenceChanged):
            read(entry, reach)


def test_a_name_that_ends_like_a_version_is_followed_as_it_was_listed(shop, reach):
    shop.keeper.put("d/report", b"first")
    shop.keeper.put("d/report#2", b"second")
    shop.keeper.put("d/report?versionId=3", b"third")
    found = list(expand(shop.uri("d"), reach=reach))
    assert [read(entry, reach) for entry in found] == [b"first", b"second", b"third"]
    assert [check(entry, reach).state for entry in found] == ["ok"] * 3

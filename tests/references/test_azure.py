"""References to Azure's blobs, against Azurite: it keeps no versions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from azure.core.exceptions import HttpResponseError
from strongroom.core.entries import Entry
from strongroom.core.references import azure, check, expand, open_reference
from strongroom.errors import (
    InvalidUri,
    NothingFound,
    ReferenceChanged,
    ReferenceMissing,
    TooManyObjects,
)

from tests.references.support import added, paths, read
from tests.support.stores import AZURE_ACCOUNT


@pytest.fixture
def container(azure_store, in_environment):
    """A container."""
    return in_environment(azure_store)


def put(store, name: str, data: bytes = b"hello", **options) -> str:
    blob = store.client.get_container_client(store.bucket).upload_blob(name, data, overwrite=True, **options)
    return blob.get_blob_properties().etag.strip('"')


def uri(store, name: str = "") -> str:
    return f"https://{AZURE_ACCOUNT}.blob.core.windows.net/{store.bucket}/{name}"


def test_a_blob_is_recorded_by_its_etag_and_size(container, reach):
    etag = put(container, "d/a.txt")
    entry = added(uri(container, "d/a.txt"), reach)
    assert entry == Entry("a.txt", etag, 5, None, uri(container, "d/a.txt"), {"etag": etag})
    assert read(entry, reach) == b"hello"
    assert read(entry, reach, 2) == b"llo"
    assert check(entry, reach).state == "ok"
    with open_reference(entry, reach) as stream:
        assert stream.size == 5


def test_a_signature_in_the_address_is_not_recorded(container, reach):
    put(container, "a")
    assert added(uri(container, "a") + "?sv=1&sig=secret", reach).ref == uri(container, "a")


def test_a_prefix_gives_an_entry_for_each_blob_below(container, reach):
    for name in ("d/a", "d/b/c", "d/b-", "d/empty", "d!", "dd/x"):
        put(container, name, b"" if name == "d/empty" else b"hello")
    put(container, "d/sub", b"", metadata={"hdi_isfolder": "true"})
    assert paths(uri(container, "d"), reach) == ["a", "b-", "b/c", "empty"]
    assert paths(uri(container, "d/"), reach, "top") == ["top/a", "top/b-", "top/b/c", "top/empty"]
    assert paths(uri(container, "d"), reach, after="b-") == ["b/c", "empty"]
    assert len(paths(uri(container)[:-1], reach)) == 6
    assert list(expand(uri(container, "d"), reach=reach))[2].ref == uri(container, "d/b/c")


def test_nothing_there_and_too_much_there(container, reach):
    for number in range(3):
        put(container, f"d/{number}")
    with pytest.raises(NothingFound):
        paths(uri(container, "none"), reach)
    with pytest.raises(TooManyObjects):
        paths(uri(container, "d"), reach, max_objects=2)
    with pytest.raises(ReferenceMissing, match="container"):
        paths(uri(container).replace(container.bucket, "no-such-container"), reach)


def test_names_are_escaped_only_where_they_would_mean_something_else(container, reach):
    put(container, "d/odd 50%25?x#y", b"odd")
    (entry,) = expand(uri(container, "d"), reach=reach)
    assert entry.path == "odd 50%25?x#y"
    assert entry.ref == uri(container, "d/odd 50%2525%3Fx%23y")
    assert added(entry.ref, reach) == entry
    assert read(entry, reach) == b"odd"
    put(container, "with space")
    assert added(uri(container, "with%20space"), reach).ref == uri(container, "with space")


def test_a_blob_that_changed_or_went_is_refused(container, reach):
    put(container, "a")
    entry = added(uri(container, "a"), reach)
    put(container, "a", b"other")
    with pytest.raises(ReferenceChanged):
        read(entry, reach)
    assert check(entry, reach).state == "changed"
    container.client.get_container_client(container.bucket).delete_blob("a")
    with pytest.raises(ReferenceMissing):
        read(entry, reach)
    assert check(entry, reach).state == "missing"


def test_an_empty_blob_can_be_read(container, reach):
    put(container, "a", b"")
    assert read(added(uri(container, "a"), reach), reach) == b""


class Lines:
    """A container that lists what it is given, or refuses to tell of versions."""

    def __init__(self, lines, *, knows_versions: bool) -> None:
        self.lines, self.knows_versions, self.asked = lines, knows_versions, []

    def list_blobs(self, **given):
        """List."""
        self.asked.append(given["include"])
        if "versions" in given["include"] and not self.knows_versions:
            error = HttpResponseError("The feature is not supported here.")
            error.status_code = 400
            raise error
        yield from self.lines


def line(name: str, version: str | None, *, current: bool | None) -> SimpleNamespace:
    return SimpleNamespace(
        name=name, version_id=version, is_current_version=current, metadata={}, etag=f"e-{version}", size=3
    )


def test_of_many_versions_a_listing_takes_the_present_one():
    place = azure.Place("account", "box", "d")
    lines = [line("d/a", "1", current=None), line("d/a", "2", current=True), line("d/b", None, current=None)]
    found = list(azure._listed(Lines(lines, knows_versions=True), place, ""))
    assert [(one.path, one.digest, one.extra) for one in found] == [
        ("a", "e-2", {"etag": "e-2", "versionID": "2"}),
        ("b", "e-None", {"etag": "e-None"}),
    ]


def test_an_account_that_refuses_to_tell_of_versions_is_asked_without():
    client = Lines([line("d/a", None, current=None)], knows_versions=False)
    assert [one.path for one in azure._listed(client, azure.Place("account", "box", "d"), "")] == ["a"]
    assert client.asked == [["metadata", "versions"], ["metadata"]]


@pytest.mark.parametrize("prefix", ["d", "d/", ""])
def test_a_prefix_that_was_recorded_without_its_objects_says_so(prefix, container, reach):
    put(container, "d/a")
    entry = added(uri(container, prefix), reach, "all", checksum=False)
    with pytest.raises(InvalidUri, match="without the objects below it .* checksum=True"):
        read(entry, reach)
    with pytest.raises(ReferenceMissing, match="not there any more"):
        read(added(uri(container, "none"), reach, checksum=False), reach)

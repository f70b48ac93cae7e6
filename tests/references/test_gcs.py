"""References to Google Cloud Storage, against an emulator: it ignores page sizes, and keeps no old generations."""

from __future__ import annotations

import dataclasses

import pytest
from strongroom.core.references import check, expand, gcs, open_reference
from strongroom.errors import (
    InvalidUri,
    NothingFound,
    ReferenceChanged,
    ReferenceMissing,
    ReferenceUnreachable,
    TooManyObjects,
)

from tests.references.support import added, paths, read


@pytest.fixture
def bucket(gcs_store, in_environment):
    """A bucket."""
    return in_environment(gcs_store)


def put(store, key: str, data: bytes = b"hello") -> None:
    store.client.bucket(store.bucket).blob(key).upload_from_string(data)


def uri(store, key: str = "") -> str:
    return f"gs://{store.bucket}/{key}"


def test_an_object_is_recorded_by_its_etag_size_and_generation(bucket, reach):
    put(bucket, "d/a.txt")
    blob = bucket.client.bucket(bucket.bucket).get_blob("d/a.txt")
    entry = added(uri(bucket, "d/a.txt"), reach)
    assert (entry.path, entry.digest, entry.size, entry.ref) == (
        "a.txt",
        blob.etag,
        5,
        uri(bucket, "d/a.txt"),
    )
    assert entry.extra == {"versionID": blob.generation}
    assert read(entry, reach) == b"hello"
    assert read(entry, reach, 2) == b"llo"
    assert check(entry, reach).state == "ok"
    with open_reference(entry, reach) as stream:
        assert (stream.size, stream.md5) == (5, "5d41402abc4b2a76b9719d911017c592")


def test_a_prefix_gives_an_entry_for_each_object_below(bucket, reach):
    for key in ("d/a", "d/b/c", "d/b-", "d/empty", "d!", "d/sub/", "dd/x"):
        put(bucket, key, b"" if key == "d/empty" else b"hello")
    assert paths(uri(bucket, "d"), reach) == ["a", "b-", "b/c", "empty"]
    assert paths(uri(bucket, "d/"), reach, "top") == ["top/a", "top/b-", "top/b/c", "top/empty"]
    assert paths(uri(bucket, "d"), reach, after="b-") == ["b/c", "empty"]
    assert paths(uri(bucket, "d"), reach, after="empty") == []
    assert len(paths(f"gs://{bucket.bucket}", reach)) == 6
    found = list(expand(uri(bucket, "d"), reach=reach))
    assert found[2].ref == uri(bucket, "d/b/c")
    assert found[2].extra["versionID"] > 0


def test_listings_are_asked_for_in_pages(bucket, reach, monkeypatch):
    put(bucket, "d/a")
    client = reach.gcs(bucket.bucket)
    asked, listed = [], client.list_blobs
    monkeypatch.setattr(
        client, "list_blobs", lambda *given, **named: asked.append(named) or listed(*given, **named)
    )
    paths(uri(bucket, "d"), reach)
    assert asked[0]["page_size"] == gcs.PAGE


def test_nothing_there_and_too_much_there(bucket, reach):
    for number in range(3):
        put(bucket, f"d/{number}")
    with pytest.raises(NothingFound):
        paths(uri(bucket, "none"), reach)
    with pytest.raises(TooManyObjects):
        paths(uri(bucket, "d"), reach, max_objects=2)
    with pytest.raises(ReferenceMissing):
        paths("gs://no-such-bucket-at-all/x", reach)


def test_a_name_with_signs_of_a_uri_is_taken_as_it_stands(bucket, reach):
    put(bucket, "d/odd 1%41 x=1&y")
    (entry,) = expand(uri(bucket, "d"), reach=reach)
    assert entry.ref == uri(bucket, "d/odd 1%41 x=1&y")
    assert added(entry.ref, reach) == entry


def test_a_generation_can_be_asked_for_in_the_address(bucket, reach):
    put(bucket, "a")
    generation = added(uri(bucket, "a"), reach).extra["versionID"]
    assert added(f"{uri(bucket, 'a')}#{generation}", reach).ref == uri(bucket, "a")
    plain = added(f"{uri(bucket, 'a')}#{generation}", reach, checksum=False)
    assert plain.digest == f"{uri(bucket, 'a')}#{generation}"
    assert read(plain, reach) == b"hello"


def test_a_generation_that_is_gone_is_refused_in_favour_of_none(bucket, reach):
    put(bucket, "a")
    entry = added(uri(bucket, "a"), reach)
    put(bucket, "a", b"newer")
    with pytest.raises(ReferenceChanged, match="digest"):
        read(entry, reach)
    found = check(entry, reach)
    assert found.state == "changed"
    assert "the recorded version is gone" in found.why


def test_a_kept_generation_is_read_and_asked_of_each_piece(bucket, reach, monkeypatch):
    """The emulator keeps none, so that what is asked of it is what can be seen."""
    put(bucket, "a")
    entry = added(uri(bucket, "a"), reach)
    asked = []
    blob_of = gcs._blob

    def remember(client, place, address, generation):
        asked.append(generation)
        return blob_of(client, place, address, generation)

    monkeypatch.setattr(gcs, "_blob", remember)
    assert read(entry, reach) == b"hello"
    assert asked == [entry.extra["versionID"]]


def test_an_object_that_was_deleted_after_it_was_listed(bucket, reach):
    put(bucket, "a")
    entry = added(uri(bucket, "a"), reach)
    bucket.client.bucket(bucket.bucket).blob("a").delete()
    with pytest.raises(ReferenceMissing):
        read(entry, reach)
    assert check(entry, reach).state == "missing"


def test_a_generation_of_text_is_one(bucket, reach):
    put(bucket, "a")
    entry = added(uri(bucket, "a"), reach)
    text = dataclasses.replace(entry, extra={"versionID": str(entry.extra["versionID"])})
    assert read(text, reach) == b"hello"


def test_no_credentials_are_said_to_be_none(reach, monkeypatch, tmp_path):
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ReferenceUnreachable, match="there are no credentials for Google"):
        paths("gs://bucket/x", reach)


@pytest.mark.parametrize("prefix", ["d", "d/", ""])
def test_a_prefix_that_was_recorded_without_its_objects_says_so(prefix, bucket, reach):
    put(bucket, "d/a")
    entry = added(uri(bucket, prefix), reach, "all", checksum=False)
    with pytest.raises(InvalidUri, match="without the objects below it .* checksum=True"):
        read(entry, reach)
    with pytest.raises(ReferenceMissing, match="not there any more"):
        read(added(uri(bucket, "none"), reach, checksum=False), reach)

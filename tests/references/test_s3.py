"""References to S3, against a server that speaks it."""

from __future__ import annotations

import dataclasses

import pytest
from botocore.exceptions import ClientError
from strongroom.core.entries import Entry
from strongroom.core.references import check, expand, open_reference, s3
from strongroom.errors import (
    InvalidPath,
    InvalidUri,
    NothingFound,
    ReferenceChanged,
    ReferenceMissing,
    ReferenceUnreachable,
    TooManyObjects,
)

from tests.references.support import added, paths, read


@pytest.fixture
def bucket(s3_store, in_environment):
    """A bucket that keeps no versions."""
    return in_environment(s3_store)


@pytest.fixture
def versioned(versioned_s3_store, in_environment):
    """A bucket that keeps versions."""
    return in_environment(versioned_s3_store)


def put(store, key: str, data: bytes = b"hello", kind: str = "text/plain") -> dict:
    return store.client.put_object(Bucket=store.bucket, Key=key, Body=data, ContentType=kind)


def uri(store, key: str = "") -> str:
    return f"s3://{store.bucket}/{key}"


HELLO = "5d41402abc4b2a76b9719d911017c592"


def test_an_object_is_recorded_by_its_etag_and_size(bucket, reach):
    put(bucket, "d/a.txt")
    entry = added(uri(bucket, "d/a.txt"), reach)
    assert entry == Entry("a.txt", HELLO, 5, None, uri(bucket, "d/a.txt"), {"etag": HELLO})
    assert added(uri(bucket, "d/a.txt"), reach, "x/y").path == "x/y"
    assert read(entry, reach) == b"hello"
    assert read(entry, reach, 2) == b"llo"
    assert check(entry, reach).state == "ok"
    with open_reference(entry, reach) as stream:
        assert (stream.size, stream.md5) == (5, HELLO)


def test_a_prefix_gives_an_entry_for_each_object_below(bucket, reach):
    for key in ("d/a", "d/b/c", "d/b-", "d/empty", "d!", "other", "dd/x"):
        put(bucket, key, b"" if key == "d/empty" else b"hello")
    assert paths(uri(bucket, "d"), reach) == ["a", "b-", "b/c", "empty"]
    assert paths(uri(bucket, "d/"), reach, "top") == ["top/a", "top/b-", "top/b/c", "top/empty"]
    assert paths(uri(bucket, "d"), reach, after="b-") == ["b/c", "empty"]
    assert paths(uri(bucket, "d"), reach, "top", after="top/b-") == ["top/b/c", "top/empty"]
    assert paths(uri(bucket, "d"), reach, after="empty") == []
    assert len(paths(f"s3://{bucket.bucket}", reach)) == 7
    entry = list(expand(uri(bucket, "d"), reach=reach))[2]
    assert entry.ref == uri(bucket, "d/b/c")


def test_an_object_that_takes_the_name_of_a_prefix_ends_no_listing_that_goes_on(bucket, reach):
    for key in ("d/a", "d/b"):
        put(bucket, key)
    put(bucket, "d")
    assert paths(uri(bucket, "d"), reach) == ["d"]
    assert paths(uri(bucket, "d"), reach, after="a") == ["b"]


def test_keys_that_stand_for_folders_are_left_out(bucket, reach):
    put(bucket, "d/a")
    put(bucket, "d/", b"")
    put(bucket, "d/sub/", b"")
    put(bucket, "e", b"", "application/x-directory")
    put(bucket, "e/b")
    assert paths(uri(bucket, "d"), reach) == ["a"]
    assert paths(uri(bucket, "e"), reach) == ["b"]


def test_listings_come_a_page_at_a_time(bucket, reach, monkeypatch):
    for number in range(7):
        put(bucket, f"d/{number}")
    pages = []
    client = reach.s3(bucket.bucket)
    listed = client.list_objects_v2
    monkeypatch.setattr(
        client, "list_objects_v2", lambda **given: pages.append(given) or listed(**given, MaxKeys=2)
    )
    found = expand(uri(bucket, "d"), reach=reach)
    assert next(found).path == "0"
    assert len(pages) == 1
    assert len(list(found)) == 6
    assert len(pages) == 4


def test_a_prefix_with_nothing_under_it_is_an_error(bucket, reach):
    put(bucket, "d/", b"")
    for key in ("d", "none", "none/"):
        with pytest.raises(NothingFound, match="Nothing lies at"):
            paths(uri(bucket, key), reach)


def test_one_object_above_the_limit_is_an_error(bucket, reach):
    for number in range(3):
        put(bucket, f"d/{number}")
    assert len(paths(uri(bucket, "d"), reach, max_objects=3)) == 3
    with pytest.raises(TooManyObjects, match="More than 2 objects"):
        paths(uri(bucket, "d"), reach, max_objects=2)
    assert paths(uri(bucket, "d/0"), reach, max_objects=1) == ["0"]


@pytest.mark.parametrize("key", ["d/a//b", "d/../b", "d/a\\b", "d/nul", "d/a.", "d//"])
def test_a_key_that_no_path_can_be_is_named(bucket, reach, key):
    put(bucket, "d/a")
    put(bucket, key)
    if key.endswith("/"):
        assert paths(uri(bucket, "d"), reach) == ["a"]
        return
    with pytest.raises(InvalidPath, match="cannot be an entry"):
        paths(uri(bucket, "d"), reach)


def test_a_key_with_signs_of_a_uri_is_taken_as_it_stands(bucket, reach):
    put(bucket, "d/odd #1%41?x=1&y", b"odd")
    (entry,) = expand(uri(bucket, "d"), reach=reach)
    assert (entry.path, entry.ref) == ("odd #1%41?x=1&y", uri(bucket, "d/odd #1%41?x=1&y"))
    assert added(entry.ref, reach) == entry
    assert read(entry, reach) == b"odd"


def test_a_key_that_ends_like_a_version_is_followed_as_it_was_listed(versioned, reach):
    put(versioned, "d/report?versionId=2", b"second")
    (entry,) = expand(uri(versioned, "d"), reach=reach)
    assert entry.ref == uri(versioned, "d/report?versionId=2")
    assert read(entry, reach) == b"second"
    assert check(entry, reach).state == "ok"


def test_in_a_bucket_with_versions_the_version_is_recorded(versioned, reach):
    first = put(versioned, "d/a")
    entry = added(uri(versioned, "d/a"), reach)
    assert entry.extra == {"etag": HELLO, "versionID": first["VersionId"]}
    assert entry.ref == uri(versioned, "d/a")
    assert list(expand(uri(versioned, "d"), reach=reach)) == [entry]


def test_of_many_versions_a_listing_takes_the_newest_and_no_deleted_ones(versioned, reach):
    for key in ("d/a", "d/b", "d/c"):
        put(versioned, key, b"old")
        put(versioned, key)
    versioned.client.delete_object(Bucket=versioned.bucket, Key="d/b")
    found = list(expand(uri(versioned, "d"), reach=reach))
    assert [(entry.path, entry.digest) for entry in found] == [("a", HELLO), ("c", HELLO)]
    assert paths(uri(versioned, "d"), reach, after="a") == ["c"]


def test_pages_of_versions_follow_each_other(versioned, reach, monkeypatch):
    for number in range(5):
        for _ in range(3):
            put(versioned, f"d/{number}")
    client = reach.s3(versioned.bucket)
    listed = client.list_object_versions
    monkeypatch.setattr(client, "list_object_versions", lambda **given: listed(**given, MaxKeys=2))
    assert paths(uri(versioned, "d"), reach) == ["0", "1", "2", "3", "4"]


def test_the_recorded_version_is_read_when_there_is_a_newer_one(versioned, reach):
    put(versioned, "a")
    entry = added(uri(versioned, "a"), reach)
    put(versioned, "a", b"newer")
    assert read(entry, reach) == b"hello"
    found = check(entry, reach)
    assert found.state == "changed"
    assert "the recorded version is still there" in found.why
    versioned.client.delete_object(Bucket=versioned.bucket, Key="a")
    assert read(entry, reach) == b"hello"
    found = check(entry, reach)
    assert (found.state, "still there" in found.why) == ("missing", True)
    versioned.client.delete_object(Bucket=versioned.bucket, Key="a", VersionId=entry.extra["versionID"])
    assert "is gone, too" in check(entry, reach).why
    with pytest.raises(ReferenceMissing):
        read(entry, reach)


def test_a_version_that_nobody_recorded_is_found_by_its_etag(versioned, reach):
    put(versioned, "a")
    entry = dataclasses.replace(added(uri(versioned, "a"), reach), extra={"etag": HELLO})
    put(versioned, "a", b"other")
    put(versioned, "a", b"third")
    assert read(entry, reach) == b"hello"


def test_a_version_can_be_asked_for_in_the_address(versioned, reach):
    old = put(versioned, "a")["VersionId"]
    put(versioned, "a", b"newer")
    entry = added(f"{uri(versioned, 'a')}?versionId={old}", reach)
    assert (entry.ref, entry.digest, entry.extra["versionID"]) == (uri(versioned, "a"), HELLO, old)
    plain = added(f"{uri(versioned, 'a')}?versionId={old}", reach, checksum=False)
    assert read(plain, reach) == b"hello"
    with pytest.raises(ReferenceMissing):
        added(f"{uri(versioned, 'a')}?versionId=none", reach)


def test_an_object_that_changed_is_refused(bucket, reach):
    put(bucket, "a")
    entry = added(uri(bucket, "a"), reach)
    put(bucket, "a", b"other")
    with pytest.raises(ReferenceChanged, match=HELLO):
        read(entry, reach)
    found = check(entry, reach)
    assert (found.state, found.now.size) == ("changed", 5)


def test_an_object_that_was_deleted_after_it_was_listed(bucket, reach):
    put(bucket, "a")
    entry = added(uri(bucket, "a"), reach)
    bucket.client.delete_object(Bucket=bucket.bucket, Key="a")
    with pytest.raises(ReferenceMissing):
        read(entry, reach)
    assert check(entry, reach).state == "missing"


def test_without_a_checksum_whatever_is_there_is_read(bucket, reach):
    put(bucket, "d/a")
    entry = added(uri(bucket, "d/a"), reach, checksum=False)
    put(bucket, "d/a", b"other")
    assert read(entry, reach) == b"other"
    assert check(entry, reach).state == "ok"
    assert check(added(uri(bucket, "d"), reach, checksum=False), reach).state == "ok"
    assert check(added(uri(bucket, "none"), reach, checksum=False), reach).state == "missing"


def test_a_bucket_that_is_not_there(bucket, reach):
    with pytest.raises(ReferenceMissing, match="bucket of"):
        paths("s3://no-such-bucket-at-all/x", reach)


def test_an_etag_of_several_parts_is_no_md5(bucket, reach):
    client, where = bucket.client, {"Bucket": bucket.bucket, "Key": "big"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    part = client.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"x" * 100)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
    entry = added(uri(bucket, "big"), reach)
    assert entry.digest.endswith("-1")
    with open_reference(entry, reach) as stream:
        assert (stream.size, stream.md5) == (100, None)


def test_an_etag_of_what_was_encrypted_by_a_key_is_no_md5():
    answer = {"ETag": f'"{HELLO}"'}
    assert s3._md5(answer) == HELLO
    assert s3._md5({**answer, "ServerSideEncryption": "AES256"}) == HELLO
    assert s3._md5({**answer, "ServerSideEncryption": "aws:kms"}) is None
    assert s3._md5({**answer, "SSECustomerAlgorithm": "AES256"}) is None


def denied(*_, **__):
    answer = {
        "Error": {"Code": "AccessDenied", "Message": "No."},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }
    raise ClientError(answer, "GetBucketVersioning")


def test_where_versions_may_not_be_listed_each_object_is_asked(versioned, bucket, reach, monkeypatch):
    for key in ("d/a", "d/b"):
        put(versioned, key)
        put(bucket, key)
    client = reach.s3(versioned.bucket)
    monkeypatch.setattr(client, "get_bucket_versioning", denied)
    assert all(entry.extra.get("versionID") for entry in expand(uri(versioned, "d"), reach=reach))
    heads = []
    head = client.head_object
    monkeypatch.setattr(client, "head_object", lambda **given: heads.append(given) or head(**given))
    assert paths(uri(bucket, "d"), reach) == ["a", "b"]
    assert len(heads) == 2  # of the prefix, and of the first object below


def test_an_object_that_goes_while_it_is_listed_is_named(versioned, reach, monkeypatch):
    put(versioned, "d/a")
    put(versioned, "d/b")
    client = reach.s3(versioned.bucket)
    monkeypatch.setattr(client, "get_bucket_versioning", denied)
    listed = client.list_objects_v2

    def list_then_delete(**given):
        page = listed(**given)
        client.delete_object(Bucket=versioned.bucket, Key="d/b")
        return page

    monkeypatch.setattr(client, "list_objects_v2", list_then_delete)
    with pytest.raises(ReferenceMissing, match="d/b was deleted while"):
        paths(uri(versioned, "d"), reach)


def test_a_listing_that_changes_while_it_is_read_names_nothing_twice(bucket, reach, monkeypatch):
    for number in range(6):
        put(bucket, f"d/{number}")
    client = reach.s3(bucket.bucket)
    listed = client.list_objects_v2

    def change(**given):
        page = listed(**given, MaxKeys=2)
        if "ContinuationToken" not in given:
            put(bucket, "d/0-before")
            put(bucket, "d/1", b"changed")
            put(bucket, "d/5-behind")
            client.delete_object(Bucket=bucket.bucket, Key="d/4")
        return page

    monkeypatch.setattr(client, "list_objects_v2", change)
    assert paths(uri(bucket, "d"), reach) == ["0", "1", "2", "3", "5", "5-behind"]


def test_a_connection_that_breaks_between_pages_is_an_error(bucket, reach, monkeypatch):
    for number in range(3):
        put(bucket, f"d/{number}")
    client = reach.s3(bucket.bucket)
    listed = client.list_objects_v2

    def breaks(**given):
        if "ContinuationToken" in given:
            raise ConnectionResetError("gone")
        return listed(**given, MaxKeys=2)

    monkeypatch.setattr(client, "list_objects_v2", breaks)
    with pytest.raises(ReferenceUnreachable, match="no answer"):
        paths(uri(bucket, "d"), reach)


@pytest.mark.parametrize("prefix", ["d", "d/", ""])
def test_a_prefix_that_was_recorded_without_its_objects_says_so(prefix, bucket, reach):
    put(bucket, "d/a")
    entry = added(uri(bucket, prefix), reach, "all", checksum=False)
    with pytest.raises(InvalidUri, match="without the objects below it .* checksum=True"):
        read(entry, reach)
    with pytest.raises(ReferenceMissing, match="not there any more"):
        read(added(uri(bucket, "none"), reach, checksum=False), reach)

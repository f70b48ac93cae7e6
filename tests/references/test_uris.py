"""What is a URI, which scheme it has, and what each of them needs."""

from __future__ import annotations

import pytest
from strongroom.core.entries import Entry
from strongroom.core.references import can_check, expand, kind_of, scheme_of
from strongroom.errors import InvalidInput, InvalidPath, InvalidUri


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("http://example.com/a", "http"),
        ("HTTPS://example.com/a", "http"),
        ("s3://bucket/key", "s3"),
        ("S3://bucket/key", "s3"),
        ("gs://bucket/key", "gs"),
        ("https://account.blob.core.windows.net/box/blob", "azure"),
        ("https://account.blob.core.windows.net.evil.example/box/blob", "http"),
        ("http://account.blob.core.windows.net/box/blob", "http"),
        ("file:///data", "file"),
        ("wandb-artifact://41727469666163743a37/a.txt", "artifact"),
        ("hdfs://cluster/a", "other"),
        ("doi:10.1000/182", "other"),
    ],
)
def test_the_scheme_decides_what_follows_a_reference(uri, kind):
    assert kind_of(uri) == kind
    scheme_of(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "", "data", "/data/set", "./data", "C:\\data", "c:/data", "http:", "http:///path", "http://[::1/x",
        "http://host:99999/x", "https://user:secret@example.com/x", "https://user@example.com/x", "s3:", "s3://",
        "s3:///key", "gs://", "gs:bucket/key", "file:relative", "file://host/share", "file:///a?b", "file:///a#b",
        "https://account.blob.core.windows.net", "https://account.blob.core.windows.net/",
        "https://a.b.blob.core.windows.net/box/x", "wandb-artifact://xyz/a", "wandb-artifact://41/", "wandb-artifact://",
        "s3://bucket/line\nbreak", "file:///a\nb", "http://example.com/\u202etxt", "s3://bucket/" + "x" * 9000,
        None, 7, b"s3://bucket/key",
    ],
)  # fmt: skip
def test_what_is_no_uri_is_refused_before_anything_is_asked(uri, reach):
    with pytest.raises(InvalidUri) as refused:
        expand(uri, "name", reach=reach)
    assert str(refused.value).endswith((".", "path"))


def test_a_local_path_is_told_how_to_write_itself():
    with pytest.raises(ValueError, match="file:///path"):
        scheme_of("/data/set")


def test_a_password_is_refused_without_repeating_it():
    with pytest.raises(InvalidUri) as refused:
        scheme_of("https://alice:secret@example.com/x")
    assert "secret" not in str(refused.value)
    assert "alice" not in str(refused.value)


@pytest.mark.parametrize("uri", ["hdfs://cluster/a.txt", "http://example.com", "http://example.com/"])
def test_a_name_is_needed_where_the_address_has_none(uri, reach):
    with pytest.raises(ValueError, match="needs a name"):
        list(expand(uri, checksum=False, reach=reach))


@pytest.mark.parametrize("name", ["../up", "/root", "a//b", "a\nb", "nul", "a."])
def test_the_name_has_to_be_a_path(name, reach):
    with pytest.raises(InvalidPath):
        expand("hdfs://cluster/a", name, reach=reach)


@pytest.mark.parametrize("most", [0, -1])
def test_a_limit_of_no_objects_makes_no_sense(most, reach):
    with pytest.raises(InvalidInput, match="max_objects"):
        expand("file:///tmp", max_objects=most, reach=reach)


@pytest.mark.parametrize(
    ("uri", "path", "recorded"),
    [
        ("http://example.com/d/a.txt?x=1#y", "a.txt", None),
        ("s3://bucket/d/a.txt", "d/a.txt", None),
        ("s3://bucket/d/", "d", None),
        ("s3://bucket", "bucket", "s3://bucket/"),
        ("s3://bucket/d/a.txt?versionId=x1", "d/a.txt", None),
        ("gs://bucket/d/a.txt", "d/a.txt", None),
        ("gs://bucket/d/a.txt#123", "d/a.txt", None),
        ("https://account.blob.core.windows.net/box/d/a.txt", "d/a.txt", None),
        (
            "https://account.blob.core.windows.net/box/a%20b?sv=1&sig=secret",
            "a b",
            "https://account.blob.core.windows.net/box/a b",
        ),
        ("file:///data/set", "set", None),
        ("wandb-artifact://41727469666163743a37/d/a.txt", "a.txt", None),
    ],
)
def test_without_a_checksum_nothing_is_asked_and_the_digest_is_the_address(uri, path, recorded, reach):
    found = list(expand(uri, checksum=False, reach=reach))
    assert found == [Entry(path, recorded or uri, None, None, recorded or uri, None)]


def test_any_other_scheme_is_kept_track_of_and_not_looked_at(reach):
    (entry,) = expand("hdfs://cluster/a", "b/c", reach=reach)
    assert entry == Entry("b/c", "hdfs://cluster/a", None, None, "hdfs://cluster/a", None)
    assert not can_check(entry)
    assert scheme_of(entry.ref).check(entry, reach).state == "unreachable"

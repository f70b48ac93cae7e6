"""What the `wandb` client (0.31.0) recorded of the same objects; both clients log into the same collections."""

from __future__ import annotations

import pytest
from strongroom.core.entries import Entry
from strongroom.core.references import expand

HELLO = "5d41402abc4b2a76b9719d911017c592"
HELLO_B64 = "XUFAKrxLKna5cZ2REBfFkg=="
KEYS = ("d/a.txt", "d/b c.txt", "d/s/t/x")
BELOW = ("a.txt", "b c.txt", "s/t/x")


def lines(found) -> list[tuple]:
    return [(one.path, one.digest, one.size, one.ref, one.extra or {}) for one in found]


def fill(put) -> None:
    for key in KEYS:
        put(key, b"hello")


@pytest.mark.parametrize("kept", [False, True])
def test_s3(kept, s3_store, versioned_s3_store, in_environment, reach):
    store = in_environment(versioned_s3_store if kept else s3_store)
    versions = {}

    def put(key, data):
        answer = store.client.put_object(Bucket=store.bucket, Key=key, Body=data, ContentType="text/plain")
        versions[key] = {"versionID": answer["VersionId"]} if kept else {}

    fill(put)
    base = f"s3://{store.bucket}"
    below = [
        (path, HELLO, 5, f"{base}/{key}", {"etag": HELLO, **versions[key]})
        for path, key in zip(BELOW, KEYS, strict=True)
    ]
    assert lines(expand(f"{base}/d/a.txt", reach=reach)) == below[:1]
    assert lines(expand(f"{base}/d/a.txt", "n/x", reach=reach)) == [("n/x", *below[0][1:])]
    assert lines(expand(f"{base}/d", reach=reach)) == below
    assert lines(expand(f"{base}/d", "n", reach=reach)) == [(f"n/{one[0]}", *one[1:]) for one in below]
    uri = f"{base}/d/a.txt"
    assert lines(expand(uri, checksum=False, reach=reach)) == [("d/a.txt", uri, None, uri, {})]


def test_google(gcs_store, in_environment, reach):
    store = in_environment(gcs_store)
    bucket = store.client.bucket(store.bucket)
    fill(lambda key, data: bucket.blob(key).upload_from_string(data))
    base = f"gs://{store.bucket}"
    blobs = [bucket.get_blob(key) for key in KEYS]
    below = [
        (path, blob.etag, 5, f"{base}/{key}", {"versionID": blob.generation})
        for path, key, blob in zip(BELOW, KEYS, blobs, strict=True)
    ]
    assert lines(expand(f"{base}/d/a.txt", reach=reach)) == below[:1]
    assert lines(expand(f"{base}/d", reach=reach)) == below
    assert lines(expand(f"{base}/d", "n", reach=reach)) == [(f"n/{one[0]}", *one[1:]) for one in below]
    uri = f"{base}/d/a.txt"
    assert lines(expand(uri, checksum=False, reach=reach)) == [("d/a.txt", uri, None, uri, {})]


def test_azure(azure_store, in_environment, reach):
    store = in_environment(azure_store)
    container = store.client.get_container_client(store.bucket)
    fill(container.upload_blob)
    base = f"https://devstoreaccount1.blob.core.windows.net/{store.bucket}"
    etags = [container.get_blob_client(key).get_blob_properties().etag.strip('"') for key in KEYS]
    below = [
        (path, etag, 5, f"{base}/{key}", {"etag": etag})
        for path, key, etag in zip(BELOW, KEYS, etags, strict=True)
    ]
    assert lines(expand(f"{base}/d/a.txt", reach=reach)) == below[:1]
    assert lines(expand(f"{base}/d", reach=reach)) == below
    assert lines(expand(f"{base}/d", "n", reach=reach)) == [(f"n/{one[0]}", *one[1:]) for one in below]
    uri = f"{base}/d/a.txt"
    assert lines(expand(uri, checksum=False, reach=reach)) == [("d/a.txt", uri, None, uri, {})]


@pytest.mark.parametrize(
    ("etag", "digest", "extra"),
    [
        ('"abc"', "abc", {"etag": '"abc"'}),
        ('W/"abc"', 'W/"abc', {"etag": 'W/"abc"'}),
        ("abc", "abc", {"etag": "abc"}),
        (None, None, {}),
    ],
)
def test_the_web(site, reach, etag, digest, extra):
    site.put("/d/a.txt", b"hello", etag)
    uri = site.url("/d/a.txt")
    assert lines(expand(uri, reach=reach)) == [("a.txt", digest or uri, 5, uri, extra)]
    assert lines(expand(uri, checksum=False, reach=reach)) == [("a.txt", uri, None, uri, {})]


def test_local_files(tmp_path, reach):
    for key in KEYS:
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(b"hello")
    base = f"file://{tmp_path}/d"
    below = [(path, HELLO_B64, 5, f"{base}/{path}", {}) for path in BELOW]
    assert lines(expand(f"{base}/a.txt", reach=reach)) == below[:1]
    assert lines(expand(base, reach=reach)) == below
    assert lines(expand(base, "n", reach=reach)) == [(f"n/{one[0]}", *one[1:]) for one in below]


def test_any_other_scheme(reach):
    (entry,) = expand("hdfs://x/y", "n", reach=reach)
    assert entry == Entry("n", "hdfs://x/y", None, None, "hdfs://x/y", None)

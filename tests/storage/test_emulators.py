"""The servers that stand for object stores do what the tests of this project take for granted."""

from __future__ import annotations


def test_s3_keeps_bytes_and_versions(versioned_s3_store):
    client, bucket = versioned_s3_store.client, versioned_s3_store.bucket
    first = client.put_object(Bucket=bucket, Key="a/b", Body=b"one")["VersionId"]
    client.put_object(Bucket=bucket, Key="a/b", Body=b"two")
    assert client.get_object(Bucket=bucket, Key="a/b", VersionId=first)["Body"].read() == b"one"
    assert client.get_object(Bucket=bucket, Key="a/b", Range="bytes=1-")["Body"].read() == b"wo"


def test_google_keeps_bytes(gcs_store):
    blob = gcs_store.client.bucket(gcs_store.bucket).blob("a/b")
    blob.upload_from_string(b"one")
    assert blob.download_as_bytes(start=1) == b"ne"
    assert [each.name for each in gcs_store.client.list_blobs(gcs_store.bucket)] == ["a/b"]


def test_azure_keeps_bytes(azure_store):
    container = azure_store.client.get_container_client(azure_store.bucket)
    container.upload_blob("a/b", b"one")
    assert container.download_blob("a/b", offset=1).readall() == b"ne"
    assert [each.name for each in container.list_blobs()] == ["a/b"]

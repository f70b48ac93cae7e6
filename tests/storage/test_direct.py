"""Uploads that go to the object store itself, by requests that the server signed: nothing is believed unread."""

from __future__ import annotations

import hashlib
import os

import pytest
import urllib3
from django.utils import timezone

from registry import storage
from registry.errors import Conflict, DigestMismatch, IncompleteBody, InvalidDigest, NotFound
from registry.models import Blob, StoredObject, Upload
from registry.storage import Begun, backends, direct
from registry.storage.limits import MIB
from registry.storage.trouble import StoreError, Trouble

pytestmark = pytest.mark.django_db

SIZE = 13 * MIB + 5


@pytest.fixture
def bucket(settings, s3_store, monkeypatch):
    """Put the blobs into a bucket, with parts so small that a test has several."""
    for name, value in s3_store.environment.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = {
        **settings.STORAGES,
        "blobs": {
            "BACKEND": "registry.storage.backends.s3.S3BlobStorage",
            "OPTIONS": {
                "bucket_name": s3_store.bucket,
                "endpoint_url": s3_store.endpoint,
                "region_name": "us-east-1",
                "access_key": "testing",
                "secret_key": "testing",
                "addressing_style": "path",
            },
        },
    }
    monkeypatch.setattr(direct, "LEAST", 10 * MIB)
    monkeypatch.setattr(direct, "PART", 5 * MIB)
    return s3_store


@pytest.fixture(scope="module")
def data():
    return os.urandom(SIZE)


def begin(scope, data, **given):
    """Begin an upload as the service does."""
    given.setdefault("sha256", hashlib.sha256(data).digest())
    if found := storage.continued(1, len(data), given["sha256"], direct=True):
        return Begun(found, False)
    return storage.begin_upload(scope, 1, len(data), prepared=storage.prepare_direct(len(data)), **given)


def put(upload, part, body) -> int:
    """Send a part as a client does, and return the status that the store answers with."""
    link = storage.part_address(upload, part.number, hashlib.sha256(body).digest())
    answer = urllib3.request(link.method, link.url, body=body, headers=link.headers, retries=False)
    return answer.status


def send(upload, data, numbers=None):
    for part in upload.parts.all():
        if numbers is None or part.number in numbers:
            assert put(upload, part, data[part.offset : part.offset + part.size]) == 200


def test_parts_arrive_in_the_store_and_become_a_blob(bucket, scope, data):
    upload, created = begin(scope, data)
    assert created
    assert upload.is_direct
    assert [part.size for part in upload.parts.all()] == [5 * MIB, 5 * MIB, 3 * MIB + 5]
    send(upload, data)
    blob = storage.complete_upload(upload, hashlib.sha256(data).digest())
    assert blob.md5 == hashlib.md5(data).digest()
    with storage.open_blob(blob) as opened:
        assert opened.read() == data
    assert storage.complete_upload(Upload.objects.get(), hashlib.sha256(data).digest()) == blob


def test_what_arrived_is_known_after_a_break(bucket, scope, data):
    upload, _ = begin(scope, data)
    send(upload, data, numbers={2})
    again, created = begin(scope, data)
    assert (again, created) == (upload, False)
    assert [part.received for part in storage.progress(again)] == [0, 5 * MIB, 0]
    with pytest.raises(IncompleteBody):
        storage.complete_upload(again, hashlib.sha256(data).digest())
    send(again, data, numbers={1, 3})
    assert storage.complete_upload(again, hashlib.sha256(data).digest()).size == SIZE


def test_other_bytes_than_were_named_are_discarded(bucket, scope, data):
    wrong = b"x" * SIZE
    upload, _ = begin(scope, data)
    send(upload, wrong)
    with pytest.raises(DigestMismatch):
        storage.complete_upload(upload, hashlib.sha256(data).digest())
    assert not Blob.objects.exists()
    assert not StoredObject.objects.exists()
    assert list(backends.current().walk()) == []
    assert not Upload.objects.exists()


def test_an_address_is_for_one_size_and_digest(bucket, scope, data):
    upload, _ = begin(scope, data)
    part = upload.parts.get(number=1)
    link = storage.part_address(upload, 1, hashlib.sha256(b"these").digest())
    assert "X-Amz-Expires=900" in link.url
    signed = link.url.partition("X-Amz-SignedHeaders=")[2].partition("&")[0].lower()
    assert "content-length" in signed
    assert "x-amz-checksum-sha256" in signed + "".join(link.headers).lower() + link.url.lower()
    assert link.headers.get("Content-Length", str(part.size)) == str(part.size)


@pytest.mark.parametrize("checksum", [b"", b"x" * 16, b"x" * 33])
def test_an_address_needs_a_whole_digest(bucket, scope, data, checksum):
    upload, _ = begin(scope, data)
    with pytest.raises(InvalidDigest, match="64 hexadecimal digits"):
        storage.part_address(upload, 1, checksum)


def test_a_part_that_is_none_has_no_address(bucket, scope, data):
    upload, _ = begin(scope, data)
    with pytest.raises(NotFound):
        storage.part_address(upload, 4, b"x" * 32)


def test_the_server_takes_no_part_of_it(bucket, scope, data):
    upload, _ = begin(scope, data)
    with pytest.raises(Conflict, match="object store"):
        storage.append_part(upload, 1, 0, urllib3.HTTPResponse(b"x"), 1)


def test_who_cannot_reach_the_store_begins_anew_by_way_of_the_server(bucket, scope, data):
    first, _ = begin(scope, data)
    digest = hashlib.sha256(data).digest()
    assert storage.continued(1, SIZE, digest, direct=False) is None
    upload, created = storage.begin_upload(scope, 1, SIZE, sha256=digest)
    assert created
    assert not upload.is_direct
    assert not Upload.objects.filter(pk=first.pk).exists()
    assert list(backends.current().walk_parts()) == []


def test_parts_that_the_store_forgot_are_begun_anew(bucket, scope, data):
    upload, _ = begin(scope, data)
    direct.abort(upload.object_name, upload.parts_id)
    with pytest.raises(NotFound, match="Begin a new one"):
        storage.complete_upload(upload, hashlib.sha256(data).digest())
    fresh, created = begin(scope, data)
    assert created
    assert fresh.pk != upload.pk


def test_a_completion_whose_answer_got_lost_is_completed_again(bucket, scope, data):
    upload, _ = begin(scope, data)
    send(upload, data)
    backend = backends.current()
    backend.complete_parts(
        upload.object_name, upload.parts_id, backend.list_parts(upload.object_name, upload.parts_id)
    )
    assert storage.complete_upload(upload, hashlib.sha256(data).digest()).size == SIZE


def test_the_same_bytes_in_two_uploads_are_kept_once(bucket, scope, data):
    uploads = [begin(scope, data, sha256=None).upload for _ in range(2)]
    blobs = set()
    for upload in uploads:
        send(upload, data)
        blobs.add(storage.complete_upload(upload, hashlib.sha256(data).digest()).pk)
    assert len(blobs) == 1
    assert len(list(backends.current().walk())) == 1


def test_what_nobody_went_on_with_is_given_up(bucket, scope, data):
    begin(scope, data)
    assert storage.clean_incoming(timezone.now(), alive=[1]) == 0
    assert storage.clean_incoming(timezone.now(), alive=[]) == 1
    assert not Upload.objects.exists()
    assert list(backends.current().walk_parts()) == []


def test_small_files_go_by_way_of_the_server(bucket, scope):
    upload, _ = begin(scope, b"x" * MIB)
    assert not upload.is_direct


def test_a_local_disk_takes_no_parts(scope, data):
    upload, _ = begin(scope, data)
    assert not upload.is_direct


def test_a_large_blob_has_an_address_and_others_have_none(bucket, scope, data):
    upload, _ = begin(scope, data)
    send(upload, data)
    blob = storage.complete_upload(upload, hashlib.sha256(data).digest())
    address = storage.address_of(blob, disposition='attachment; filename="a"', content_type="text/plain")
    answer = urllib3.request("GET", address, headers={"Range": "bytes=13631488-"})
    assert answer.data == data[13631488:]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a"'


@pytest.mark.parametrize("more", [5 * MIB, -5])
def test_more_or_fewer_bytes_than_were_announced_are_discarded(bucket, scope, data, more):
    """This store keeps to no size that an address is bound to: what was announced is what the quota was asked for."""
    whole = data + b"x" * more if more > 0 else data[:more]
    digest = hashlib.sha256(whole).digest()
    upload, _ = begin(scope, data, sha256=digest)
    *first, last = upload.parts.all()
    send(upload, whole, numbers={part.number for part in first})
    body = whole[last.offset :]
    link = storage.part_address(upload, last.number, hashlib.sha256(body).digest())
    headers = {**link.headers, "Content-Length": str(len(body))}
    assert urllib3.request(link.method, link.url, body=body, headers=headers, retries=False).status == 200
    with pytest.raises((DigestMismatch, IncompleteBody)):
        storage.complete_upload(upload, digest)
    assert not Blob.objects.exists()
    assert not StoredObject.objects.exists()


def test_the_origin_is_unknown_while_nothing_can_be_signed(bucket, monkeypatch):
    assert direct.origin() == bucket.endpoint
    backend = backends.current()

    def refuse(*_, **__):
        raise StoreError(Trouble.DENIED, "no credentials")

    monkeypatch.setattr(backend, "_sign", refuse)
    assert direct.origin() == ""


def test_a_disk_has_no_origin():
    assert direct.origin() == ""

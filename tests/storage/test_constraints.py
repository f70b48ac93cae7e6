"""What must never be, the database refuses: each constraint, broken on purpose."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction
from django.db.models import ProtectedError

from registry.models import Blob, StoredObject, Upload, UploadPart

pytestmark = pytest.mark.django_db


def refused(make):
    """Insert something and insist that the database, not Python, says no."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        make()
    return str(caught.value)


def stored(**fields):
    return StoredObject.objects.create(**{"name": "packs/1", "size": 100} | fields)


def blob(scope, **fields):
    usual = {"scope": scope, "sha256": b"s" * 32, "md5": b"m" * 16, "size": 10, "offset": 0}
    given = usual | fields
    if "object" not in given:
        given["object"] = stored(name=f"packs/{StoredObject.objects.count()}")
    return Blob.objects.create(**given)


def upload(scope, **fields):
    return Upload.objects.create(**{"scope": scope, "draft_id": 1, "size": 10} | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"size": -1},
        {"state": "lost"},
        {"state": "doomed"},
        {"doomed_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_an_object_that_cannot_be(fields):
    refused(lambda: stored(**fields))


def test_an_object_s_name_is_its_own():
    stored()
    refused(stored)


@pytest.mark.parametrize(
    "fields",
    [
        {"sha256": b"s" * 31},
        {"sha256": b"s" * 33},
        {"sha256": b""},
        {"md5": b"m" * 15},
        {"md5": b"m" * 17},
        {"md5": None},
        {"size": -1},
        {"size": 2**62 + 1},
        {"offset": -1},
        {"offset": 2**62 + 1},
    ],
    ids=str,
)
def test_a_blob_that_cannot_be(scope, fields):
    refused(lambda: blob(scope, **fields))


def test_digests_are_counted_in_bytes_not_in_characters(scope):
    """Thirty-two bytes that would be fewer characters of UTF-8, and one that is NUL, are a digest."""
    assert blob(scope, sha256=("é" * 16).encode(), md5=b"\0" * 16).pk


def test_a_scope_has_a_digest_once(scope, other_scope):
    blob(scope)
    blob(other_scope)
    refused(lambda: blob(scope, md5=b"n" * 16))


def test_an_object_with_blobs_is_not_deleted_from_under_them(scope):
    kept = blob(scope)
    with pytest.raises(ProtectedError):
        kept.object.delete()


@pytest.mark.parametrize(
    "fields",
    [
        {"size": -1},
        {"size": 2**62 + 1},
        {"state": "lost"},
        {"state": "complete", "sha256": None},
        {"sha256": b"s" * 31},
        {"sha256": b""},
    ],
    ids=str,
)
def test_an_upload_that_cannot_be(scope, fields):
    refused(lambda: upload(scope, **fields))


def test_a_draft_has_one_open_upload_of_a_digest(scope):
    first = upload(scope, sha256=b"s" * 32)
    refused(lambda: upload(scope, sha256=b"s" * 32))
    upload(scope, sha256=b"s" * 32, draft_id=2)
    upload(scope, sha256=None)
    upload(scope, sha256=None)
    Upload.objects.filter(pk=first.pk).update(state="complete")
    upload(scope, sha256=b"s" * 32)


@pytest.mark.parametrize(
    "fields",
    [
        {"number": 0},
        {"number": 10_001},
        {"offset": -1},
        {"offset": 2**62 + 1},
        {"size": -1},
        {"size": 2**62 + 1},
        {"number": 2},
        {"offset": 7},
    ],
    ids=str,
)
def test_a_part_that_cannot_be(scope, fields):
    whole = upload(scope)
    UploadPart.objects.create(upload=whole, number=2, offset=7, size=1)
    refused(
        lambda: UploadPart.objects.create(**{"upload": whole, "number": 1, "offset": 0, "size": 7} | fields)
    )

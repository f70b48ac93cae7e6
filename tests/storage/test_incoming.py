"""What processes that ended too early left behind is removed, and nothing that is still in use."""

from __future__ import annotations

import io
import os
from datetime import timedelta

import pytest
from django.utils import timezone

from registry import storage
from registry.models import Upload
from registry.storage.durable import IncomingFile
from tests.storage.helpers import files_below, sha

pytestmark = pytest.mark.django_db


@pytest.fixture
def long_ago():
    return timezone.now() - timedelta(hours=30)


@pytest.fixture
def yesterday():
    return timezone.now() - timedelta(hours=24)


def age(path, moment):
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def begin(scope, created_at=None, draft=1):
    upload = storage.begin_upload(scope, draft, 10).upload
    if created_at:
        Upload.objects.filter(pk=upload.pk).update(created_at=created_at)
    return upload


def test_temporary_files_of_dead_processes_are_removed(data_dir, long_ago, yesterday):
    old, young = IncomingFile(), IncomingFile()
    for file in (old, young):
        file.close()
    age(old.path, long_ago)
    assert storage.clean_incoming(yesterday) == 1
    assert files_below(data_dir / "incoming") == [young.path]


def test_an_upload_that_was_given_up_is_forgotten(scope, data_dir, long_ago, yesterday):
    upload = begin(scope, long_ago)
    storage.append_part(upload, 1, 0, io.BytesIO(b"12345"), 5)
    folder = data_dir / "incoming" / "uploads" / upload.id.hex
    age(folder / "1", long_ago)
    age(folder, long_ago)
    assert storage.clean_incoming(yesterday) == 1
    assert not Upload.objects.exists()
    assert not folder.exists()


def test_a_slow_upload_that_still_grows_is_left_alone(scope, long_ago, yesterday):
    upload = begin(scope, long_ago)
    storage.append_part(upload, 1, 0, io.BytesIO(b"12345"), 5)
    assert storage.clean_incoming(yesterday) == 0
    storage.append_part(upload, 1, 5, io.BytesIO(b"67890"), 5)
    assert storage.complete_upload(upload, sha(b"1234567890"))


def test_uploads_of_which_nothing_arrived_are_forgotten_when_they_are_old(scope, long_ago, yesterday):
    begin(scope, long_ago)
    young = begin(scope)
    assert storage.clean_incoming(yesterday) == 1
    assert list(Upload.objects.all()) == [young]


def test_the_row_of_a_complete_upload_goes_in_the_end_and_its_blob_stays(scope, long_ago, yesterday):
    upload = begin(scope, long_ago)
    storage.append_part(upload, 1, 0, io.BytesIO(b"1234567890"), 10)
    blob = storage.complete_upload(upload, sha(b"1234567890"))
    assert storage.clean_incoming(yesterday) == 1
    assert storage.read_blob(blob) == b"1234567890"


def test_folders_that_are_not_ours_are_left_alone(scope, data_dir, long_ago, yesterday):
    begin(scope)
    strange = data_dir / "incoming" / "uploads" / "lost+found"
    strange.mkdir(parents=True)
    age(strange, long_ago)
    assert storage.clean_incoming(yesterday) == 0
    assert strange.exists()


def test_a_store_that_was_never_used_has_nothing_to_clean(db, yesterday):
    assert storage.clean_incoming(yesterday) == 0

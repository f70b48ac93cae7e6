"""Uploads: parts that can be continued, one blob however often it is completed."""

from __future__ import annotations

import hashlib
import io
import random
import shutil

import pytest
from django.utils import timezone

from registry import storage
from registry.errors import (
    Conflict,
    DigestMismatch,
    IncompleteBody,
    InvalidInput,
    NotFound,
    OffsetMismatch,
    StorageFull,
    TooLarge,
)
from registry.models import Blob, StoredObject, Upload
from registry.storage.completion import _hash
from registry.storage.uploads import split
from tests.storage.helpers import Dropped, Trickle, at_once, files_below, sha

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024
DATA = random.Random(7).randbytes(5 * MIB + 1234)


def begin(scope, data=DATA, **more):
    return storage.begin_upload(scope, 1, len(data), **more).upload


def send(upload, data=DATA, numbers=None):
    for part in storage.progress(upload):
        if numbers is None or part.number in numbers:
            body = data[part.offset + part.received : part.offset + part.size]
            storage.append_part(upload, part.number, part.received, io.BytesIO(body), len(body))


def received(upload):
    return [part.received for part in storage.progress(upload)]


def whole(blob):
    with storage.open_blob(blob) as opened:
        return opened.read()


@pytest.mark.parametrize("parts", [1, 2, 5, 32])
@pytest.mark.parametrize("hashed", ["in flight", "read back"])
def test_an_upload_becomes_a_blob(scope, data_dir, forgetful, parts, hashed):
    upload = begin(scope, parts=parts)
    send(upload)
    if hashed == "read back":
        forgetful()
    blob = storage.complete_upload(upload, sha(DATA))
    assert (blob.sha256, blob.md5, blob.size) == (sha(DATA), hashlib.md5(DATA).digest(), len(DATA))
    assert whole(blob) == DATA
    assert files_below(data_dir / "incoming") == []


def test_a_whole_stream_is_not_read_back_to_be_hashed(scope, monkeypatch):
    upload = begin(scope)
    half = len(DATA) // 2
    storage.append_part(upload, 1, 0, Trickle(DATA[:half], 70_000), half)
    storage.append_part(upload, 1, half, io.BytesIO(DATA[half:]), len(DATA) - half)
    monkeypatch.setattr("registry.storage.completion._hash", lambda paths: pytest.fail("read back"))
    assert whole(storage.complete_upload(upload, sha(DATA))) == DATA


def test_the_hash_of_a_stream_is_not_used_when_another_process_sent_a_stretch(scope, forgetful):
    upload = begin(scope)
    storage.append_part(upload, 1, 0, io.BytesIO(DATA[:MIB]), MIB)
    forgetful()
    send(upload)
    assert storage.complete_upload(upload, sha(DATA)).md5 == hashlib.md5(DATA).digest()


def test_an_empty_file_can_be_uploaded_too(scope):
    upload = begin(scope, b"")
    assert whole(storage.complete_upload(upload, sha(b""))) == b""


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 10 * MIB, 10 * MIB + 3, 10**12])
@pytest.mark.parametrize("parts", [1, 2, 7, 32])
def test_parts_cover_the_size_without_gap_and_are_no_more_than_asked(size, parts):
    stretches = split(size, parts)
    assert 1 <= len(stretches) <= parts
    assert [first for first, _ in stretches] == [
        sum(n for _, n in stretches[:i]) for i in range(len(stretches))
    ]
    assert sum(length for _, length in stretches) == size


@pytest.mark.parametrize(("size", "parts"), [(-1, 1), (2**63, 1), (10, 0), (10, 33)])
def test_impossible_uploads_are_refused(scope, size, parts):
    with pytest.raises(InvalidInput):
        storage.begin_upload(scope, 1, size, parts=parts)


def test_a_part_over_the_limit_needs_more_parts(scope, settings):
    settings.PART_LIMIT = 2 * MIB
    with pytest.raises(TooLarge, match="more parts"):
        begin(scope)
    assert begin(scope, parts=3)


def test_what_no_disk_could_hold_is_refused_before_it_is_sent(scope):
    with pytest.raises(StorageFull):
        storage.begin_upload(scope, 1, 10**14, parts=32)


def test_beginning_again_with_the_same_digest_continues(scope):
    first = storage.begin_upload(scope, 1, len(DATA), sha256=sha(DATA))
    second = storage.begin_upload(scope, 1, len(DATA), sha256=sha(DATA), parts=4)
    other_draft = storage.begin_upload(scope, 2, len(DATA), sha256=sha(DATA))
    unnamed = storage.begin_upload(scope, 1, len(DATA))
    assert (first.created, second.created, other_draft.created, unnamed.created) == (True, False, True, True)
    assert first.upload == second.upload
    assert len({first.upload, other_draft.upload, unnamed.upload}) == 3


def test_a_body_that_ends_early_keeps_what_arrived(scope):
    upload = begin(scope)
    with pytest.raises(IncompleteBody) as caught:
        storage.append_part(upload, 1, 0, Dropped(DATA[:1_500_000], 60_000), len(DATA))
    assert caught.value.details == {"received": 1_500_000}
    assert received(upload) == [1_500_000]
    send(upload)
    assert whole(storage.complete_upload(upload, sha(DATA))) == DATA


def test_any_number_of_interruptions_ends_in_the_same_blob(scope, forgetful):
    upload, dice = begin(scope, parts=3), random.Random(5)
    while unfinished := [part for part in storage.progress(upload) if part.received < part.size]:
        part = dice.choice(unfinished)
        rest = DATA[part.offset + part.received : part.offset + part.size]
        cut = dice.randint(0, 900_000)
        if cut >= len(rest):
            storage.append_part(upload, part.number, part.received, io.BytesIO(rest), len(rest))
        else:
            with pytest.raises(IncompleteBody):
                storage.append_part(
                    upload, part.number, part.received, Dropped(rest[:cut], 50_000), len(rest)
                )
        if dice.random() < 0.3:
            forgetful()
    assert whole(storage.complete_upload(upload, sha(DATA))) == DATA


def test_a_body_of_unknown_length_is_appended_up_to_the_part_s_end(scope):
    upload = begin(scope)
    assert storage.append_part(upload, 1, 0, io.BytesIO(DATA[:1000]), None) == 1000
    with pytest.raises(TooLarge):
        storage.append_part(upload, 1, 1000, io.BytesIO(DATA[1000:] + b"more"), None)
    assert received(upload) == [len(DATA)]


@pytest.mark.parametrize("offset", [0, 999, 1001, 10**9])
def test_another_offset_than_the_server_s_is_told_where_to_go_on(scope, offset):
    upload = begin(scope)
    storage.append_part(upload, 1, 0, io.BytesIO(DATA[:1000]), 1000)
    with pytest.raises(OffsetMismatch) as caught:
        storage.append_part(upload, 1, offset, io.BytesIO(b"x"), 1)
    assert caught.value.details == {"received": 1000}
    assert received(upload) == [1000]


def test_a_body_longer_than_the_part_is_refused_unread(scope):
    upload, stream = begin(scope, b"12345"), io.BytesIO(b"123456")
    with pytest.raises(TooLarge):
        storage.append_part(upload, 1, 0, stream, 6)
    assert stream.tell() == 0
    assert received(upload) == [0]


def test_there_is_no_part_beyond_the_last(scope):
    with pytest.raises(NotFound):
        storage.append_part(begin(scope), 2, 0, io.BytesIO(b""), 0)


def test_completing_before_all_arrived_says_how_much_is_missing_and_keeps_it(scope):
    upload = begin(scope, parts=2)
    send(upload, numbers={2})
    with pytest.raises(IncompleteBody) as caught:
        storage.complete_upload(upload, sha(DATA))
    assert caught.value.details["received"] == received(upload)[1]
    send(upload, numbers={1})
    assert storage.complete_upload(upload, sha(DATA))


@pytest.mark.parametrize("parts", [1, 3])
def test_a_wrong_digest_discards_the_upload(scope, data_dir, parts):
    upload = begin(scope, parts=parts)
    send(upload)
    with pytest.raises(DigestMismatch, match=sha(DATA).hex()):
        storage.complete_upload(upload, sha(b"something else"))
    assert not Upload.objects.exists()
    assert files_below(data_dir) == []
    with pytest.raises(NotFound):
        storage.complete_upload(upload, sha(DATA))


def test_completing_with_another_digest_than_begun_with_is_a_conflict(scope):
    upload = begin(scope, sha256=sha(DATA))
    send(upload)
    with pytest.raises(Conflict):
        storage.complete_upload(upload, sha(b"something else"))
    assert storage.complete_upload(upload, sha(DATA))


def test_completing_again_gives_the_same_answer(scope, data_dir):
    upload = begin(scope)
    send(upload)
    stale = Upload.objects.get(pk=upload.pk)
    blob = storage.complete_upload(upload, sha(DATA))
    for again in (stale, Upload.objects.get(pk=upload.pk)):
        assert storage.complete_upload(again, sha(DATA)) == blob
        with pytest.raises(Conflict):
            storage.complete_upload(again, sha(b"other"))
    assert received(Upload.objects.get(pk=upload.pk)) == [len(DATA)]
    with pytest.raises(Conflict):
        storage.append_part(Upload.objects.get(pk=upload.pk), 1, 0, io.BytesIO(b""), 0)


def test_a_blob_that_another_upload_brought_is_kept_once(scope, data_dir):
    uploads = [storage.begin_upload(scope, draft, len(DATA)).upload for draft in (1, 2)]
    for upload in uploads:
        send(upload)
    first, second = (storage.complete_upload(upload, sha(DATA)) for upload in uploads)
    assert first == second
    assert StoredObject.objects.count() == 1
    assert len(files_below(data_dir)) == 1


def test_a_damaged_blob_is_healed_by_an_upload(scope):
    for draft in (1, 2):
        upload = storage.begin_upload(scope, draft, len(DATA)).upload
        send(upload)
        blob = storage.complete_upload(upload, sha(DATA))
        if draft == 1:
            Blob.objects.update(damaged_at=timezone.now())
    assert blob.damaged_at is None
    assert blob.object == StoredObject.objects.latest("pk")


def test_an_abandoned_upload_leaves_nothing(scope, data_dir):
    upload = begin(scope, parts=2)
    send(upload, numbers={1})
    storage.abandon_upload(upload)
    assert not Upload.objects.exists()
    assert files_below(data_dir) == []
    with pytest.raises(NotFound):
        storage.complete_upload(upload, sha(DATA))


def test_parts_that_vanished_from_the_disk_are_asked_for_again(scope, data_dir):
    upload = begin(scope)
    send(upload)
    shutil.rmtree(data_dir / "incoming")
    with pytest.raises(IncompleteBody):
        storage.complete_upload(upload, sha(DATA))
    assert received(upload) == [0]
    send(upload)
    assert whole(storage.complete_upload(upload, sha(DATA))) == DATA


@pytest.mark.parametrize("parts", [1, 3])
def test_uploads_work_over_a_storage_of_which_only_django_s_interface_is_known(
    scope, in_memory, data_dir, parts
):
    upload = begin(scope, parts=parts)
    send(upload)
    assert whole(storage.complete_upload(upload, sha(DATA))) == DATA
    assert files_below(data_dir) == []


def test_hashing_back_equals_hashing_in_flight(tmp_path):
    paths = []
    for number in range(3):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(DATA[number * MIB * 2 : (number + 1) * MIB * 2])
    assert _hash(paths) == (sha(DATA), hashlib.md5(DATA).digest())


@pytest.mark.django_db(transaction=True)
def test_two_senders_of_one_part_end_with_one_of_them(scope):
    upload = begin(scope)
    outcomes = at_once(4, lambda _: storage.append_part(upload, 1, 0, Trickle(DATA, 30_000), len(DATA)))
    assert outcomes.count(len(DATA)) == 1
    assert sum(isinstance(outcome, (Conflict, OffsetMismatch)) for outcome in outcomes) == 3, outcomes
    assert whole(storage.complete_upload(upload, sha(DATA))) == DATA


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_stalls_does_not_keep_its_owner_from_going_on(scope):
    upload = begin(scope)

    class Stalling(io.RawIOBase):
        """Gives one piece, then lets another connection finish the part, then one piece more."""

        calls = 0

        def read(self, size: int = -1, /) -> bytes:
            self.calls += 1
            if self.calls == 2:
                send(upload)
            return DATA[(self.calls - 1) * MIB : self.calls * MIB][:size]

    with pytest.raises(Conflict):
        storage.append_part(upload, 1, 0, Stalling(), len(DATA))
    assert whole(storage.complete_upload(upload, sha(DATA))) == DATA


@pytest.mark.django_db(transaction=True)
def test_completing_at_once_gives_one_blob_and_the_same_answer(scope, data_dir):
    upload = begin(scope, parts=2)
    send(upload)
    outcomes = at_once(5, lambda _: storage.complete_upload(Upload.objects.get(pk=upload.pk), sha(DATA)))
    assert {getattr(outcome, "pk", outcome) for outcome in outcomes} == {Blob.objects.get().pk}
    assert len(files_below(data_dir)) == 1


@pytest.mark.django_db(transaction=True)
def test_beginning_at_once_with_one_digest_gives_one_upload(scope):
    outcomes = at_once(5, lambda _: storage.begin_upload(scope, 1, 100, sha256=sha(DATA)))
    assert sum(outcome.created for outcome in outcomes) == 1
    assert Upload.objects.count() == 1

"""Reads: ranges, verification, and damage that is never served as if it were right."""

from __future__ import annotations

import io
import os
import random

import pytest

from registry import storage
from registry.errors import Damaged, RangeNotSatisfiable, TooLarge
from registry.models import Blob, StoredObject
from tests.storage.helpers import bundle, files_below, sha

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024


@pytest.fixture
def small(scope):
    data = bytes(range(256)) * 10
    body = bundle([b"before", data, b"after"])
    storage.receive_bundle(scope, io.BytesIO(body), len(body))
    return Blob.objects.select_related("object").get(sha256=sha(data)), data


@pytest.fixture
def large(scope):
    data = random.Random(3).randbytes(3 * MIB + 77)
    upload, _ = storage.begin_upload(scope, 1, len(data))
    storage.append_part(upload, 1, 0, io.BytesIO(data), len(data))
    return storage.complete_upload(upload, sha(data)), data


@pytest.fixture(params=["small", "large"])
def stored(request):
    return request.getfixturevalue(request.param)


def spoil(data_dir, blob, at=0):
    """Flip one bit of a blob on the disk."""
    path = data_dir / "blobs" / blob.object.name
    with path.open("r+b") as file:
        file.seek(blob.offset + at)
        byte = file.read(1)[0]
        file.seek(blob.offset + at)
        file.write(bytes([byte ^ 4]))


def read_all(opened):
    with opened:
        return b"".join(iter(lambda: opened.read(100_000), b""))


@pytest.mark.parametrize(
    ("start", "length"), [(0, None), (0, 10), (5, 100), (2000, None), (2560, 0), (100, 10**9)]
)
def test_ranges_are_what_was_asked_for(stored, start, length):
    blob, data = stored
    expected = data[start:] if length is None else data[start : start + length]
    opened = storage.open_blob(blob, start, length)
    assert opened.length == len(expected)
    assert read_all(opened) == expected


def test_a_range_beyond_the_end_is_not_satisfiable(stored):
    blob, data = stored
    with pytest.raises(RangeNotSatisfiable):
        storage.open_blob(blob, len(data) + 1)


@pytest.mark.parametrize("start", [0, 123, 2 * MIB])
def test_a_large_blob_s_handle_stands_at_the_first_byte_asked_for(large, start):
    blob, data = large
    with storage.open_blob(blob, start, 1000) as opened:
        assert os.lseek(opened.fileno(), 0, os.SEEK_CUR) == blob.offset + start
        assert os.read(opened.fileno(), 50) == data[start : start + 50]


def test_a_closed_file_gives_no_handle(large):
    opened = storage.open_blob(large[0])
    opened.close()
    opened.close()
    with pytest.raises(ValueError):
        opened.fileno()


def test_a_flipped_bit_is_refused_and_marked(stored, data_dir):
    blob, data = stored
    spoil(data_dir, blob, at=1234)
    with pytest.raises(Damaged):
        read_all(storage.open_blob(blob))
    blob.refresh_from_db()
    assert blob.damaged_at is not None
    assert storage.known(blob.scope, [blob.sha256]) == {}


def test_the_last_piece_of_a_damaged_blob_is_withheld(large, data_dir):
    blob, data = large
    spoil(data_dir, blob)
    got = b""
    with storage.open_blob(blob) as opened:
        for _ in range(len(data) // 100_000):
            got += opened.read(100_000)
        with pytest.raises(Damaged):
            opened.read(100_000)
    assert len(got) < len(data)


def test_a_range_of_a_small_damaged_blob_is_refused_too(small, data_dir):
    blob, _ = small
    spoil(data_dir, blob, at=2000)
    with pytest.raises(Damaged):
        storage.open_blob(blob, 0, 10)


def test_a_neighbour_in_the_pack_is_not_harmed(small, data_dir):
    blob, _ = small
    spoil(data_dir, blob)
    for other in Blob.objects.exclude(pk=blob.pk):
        assert sha(storage.read_blob(other)) == other.sha256


def test_a_truncated_object_is_damaged(stored, data_dir):
    blob, data = stored
    os.truncate(data_dir / "blobs" / blob.object.name, blob.offset + len(data) - 1)
    with pytest.raises(Damaged):
        storage.open_blob(blob)
    blob.refresh_from_db()
    assert blob.damaged_at is not None


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove", "none"])
def test_verify_finds_every_harm_and_no_other(stored, data_dir, harm):
    blob, data = stored
    path = data_dir / "blobs" / blob.object.name
    match harm:
        case "flip":
            spoil(data_dir, blob, at=len(data) - 1)
        case "truncate":
            os.truncate(path, blob.offset + 3)
        case "remove":
            path.unlink()
    assert storage.verify_blob(blob) is (harm == "none")
    blob.refresh_from_db()
    assert (blob.damaged_at is None) is (harm == "none")


def test_two_blobs_swapped_in_a_pack_are_both_found(scope, data_dir):
    body = bundle([b"a" * 500, b"b" * 500])
    storage.receive_bundle(scope, io.BytesIO(body), len(body))
    path = files_below(data_dir / "blobs")[0]
    content = path.read_bytes()
    path.write_bytes(
        content.replace(b"a" * 500, b"?" * 500).replace(b"b" * 500, b"a" * 500).replace(b"?", b"b")
    )
    assert [storage.verify_blob(blob) for blob in Blob.objects.all()] == [False, False]


def test_damage_is_not_marked_on_a_blob_that_was_healed_meanwhile(small, data_dir):
    blob, data = small
    spoil(data_dir, blob)
    Blob.objects.filter(pk=blob.pk).update(
        object=StoredObject.objects.create(name="elsewhere", size=1), offset=0
    )
    with pytest.raises(Damaged):
        storage.read_blob(blob)
    blob.refresh_from_db()
    assert blob.damaged_at is None


def test_a_blob_too_large_for_the_memory_is_not_read_at_once(small):
    blob, _ = small
    blob.size = 10**9
    with pytest.raises(TooLarge):
        storage.read_blob(blob)


def test_pieces_are_read_where_they_were_written():
    pieces = [b"one", b"", b"three" * 1000]
    places = storage.write_pieces(iter(pieces))
    assert [storage.read_piece(*place) for place in places] == pieces
    assert StoredObject.objects.count() == 1


def test_no_pieces_make_no_object(data_dir):
    assert storage.write_pieces([]) == []
    assert files_below(data_dir) == []


def test_very_many_pieces_are_spread_over_objects(monkeypatch):
    monkeypatch.setattr("registry.storage.objects.PACK_MAX", 1000)
    pieces = [bytes([number]) * 300 for number in range(20)]
    places = storage.write_pieces(pieces)
    assert StoredObject.objects.count() == 5
    assert [storage.read_piece(*place) for place in places] == pieces


def test_a_piece_beyond_its_object_is_damage():
    stored, offset, length = storage.write_pieces([b"some bytes"])[0]
    with pytest.raises(Damaged):
        storage.read_piece(stored, offset, length + 1)


def test_pieces_that_fail_to_come_leave_nothing(data_dir):
    def failing():
        yield b"one"
        raise RuntimeError("the builder failed")

    with pytest.raises(RuntimeError):
        storage.write_pieces(failing())
    assert files_below(data_dir) == []
    assert not StoredObject.objects.exists()

"""Bundles on their way out: what was sent in comes back, in the order of the disk, and never damaged."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import storage
from registry.errors import BlobsMissing, Damaged
from registry.models import Blob, Entity
from registry.storage import frames
from tests.storage.helpers import bundle, files_below, sha

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024


def receive(scope, blobs):
    body = bundle(blobs)
    storage.receive_bundle(scope, io.BytesIO(body), len(body))


def parse(body):
    """Read frames of any size, as a client does."""
    found, start = [], 0
    while start < len(body):
        digest, size = frames.HEAD.unpack_from(body, start)
        data = body[start + frames.HEAD.size : start + frames.HEAD.size + size]
        assert sha(data) == digest
        found.append(data)
        start += frames.HEAD.size + size
    return found


def sent(scope, blobs):
    return parse(b"".join(storage.send_bundle(scope, {sha(blob) for blob in blobs})))


@pytest.fixture
def blobs(scope):
    dice = random.Random(9)
    made = [
        dice.randbytes(dice.choice([0, 10, 3000, 200_000, MIB])) + bytes([number]) for number in range(40)
    ]
    made = [blob[:MIB] for blob in made]
    receive(scope, made[:20])
    receive(scope, made[20:])
    return made


def test_what_came_in_goes_out_in_the_order_it_lies(scope, blobs):
    assert sent(scope, blobs) == blobs


def test_a_choice_of_blobs_goes_out(scope, blobs):
    some = random.Random(2).sample(blobs, 9)
    assert sent(scope, some) == [blob for blob in blobs if blob in some]


def test_nothing_asked_is_nothing_sent(scope):
    assert list(storage.send_bundle(scope, set())) == []


def test_a_large_blob_can_be_among_them(scope, blobs):
    data = random.Random(1).randbytes(3 * MIB)
    upload = storage.begin_upload(scope, 1, len(data)).upload
    storage.append_part(upload, 1, 0, io.BytesIO(data), len(data))
    storage.complete_upload(upload, sha(data))
    pieces = list(storage.send_bundle(scope, {sha(data), sha(blobs[0])}))
    assert max(map(len, pieces)) <= MIB + 100
    assert parse(b"".join(pieces)) == [blobs[0], data]


def test_what_is_missing_is_said_before_the_first_byte(scope, other_scope, blobs):
    for owner, wanted in ((scope, [b"never sent"]), (other_scope, blobs[:1])):
        with pytest.raises(BlobsMissing) as caught:
            storage.send_bundle(owner, {sha(blob) for blob in wanted})
        assert caught.value.details == {"count": 1, "sha256": [sha(wanted[0]).hex()]}


def test_a_damaged_blob_is_marked_and_never_sent(scope, data_dir):
    receive(scope, [b"a" * 100, b"b" * 100, b"c" * 100])
    path = files_below(data_dir / "blobs")[0]
    path.write_bytes(path.read_bytes().replace(b"b" * 100, b"b" * 99 + b"x"))
    with pytest.raises(Damaged):
        sent(scope, [b"a" * 100, b"b" * 100])
    assert [blob.sha256 for blob in Blob.objects.exclude(damaged_at=None)] == [sha(b"b" * 100)]
    assert sent(scope, [b"a" * 100, b"c" * 100]) == [b"a" * 100, b"c" * 100]
    with pytest.raises(BlobsMissing):
        sent(scope, [b"b" * 100])


def test_a_lost_pack_ends_the_stream(scope, data_dir, blobs):
    files_below(data_dir / "blobs")[0].unlink()
    with pytest.raises(Damaged):
        sent(scope, blobs)


def test_many_neighbours_are_read_at_once(scope, monkeypatch):
    many = [number.to_bytes(4, "big") * 100 for number in range(1500)]
    receive(scope, many)
    opened = []
    from registry.storage import sending

    real = sending.read_stretch
    monkeypatch.setattr(sending, "read_stretch", lambda *place: opened.append(place) or real(*place))
    assert sent(scope, many) == many
    assert len(opened) == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=400), unique=True, max_size=30), st.data())
def test_any_choice_of_any_blobs_comes_back(db, blobs, data):
    scope, _ = Entity.objects.get_or_create(name="any", folded="any", kind="team")
    receive(scope, blobs)
    chosen = data.draw(st.lists(st.sampled_from(blobs), unique=True)) if blobs else []
    assert sorted(sent(scope, chosen)) == sorted(chosen)

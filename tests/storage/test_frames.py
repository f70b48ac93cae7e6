"""Frames: parse is the inverse of format, with a bounded memory, however the body trickles in."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import DigestMismatch, IncompleteBody, TooLarge
from registry.storage import frames
from tests.storage.helpers import Dropped, Trickle, bundle, sha

MIB = 1024 * 1024
LIMIT = 64 * MIB


def parse(stream, length, limit=LIMIT):
    found = []
    for batch in frames.read_batches(stream, length, limit):
        for frame in batch.frames:
            first = frame.start + frames.HEAD.size
            found.append((frame, bytes(batch.data[first : first + frame.size])))
    return found


@given(st.lists(st.binary(max_size=300), max_size=40), st.integers(1, 200), st.booleans())
def test_parse_is_the_inverse_of_format(blobs, most, said):
    body = bundle(blobs)
    found = parse(Trickle(body, most), len(body) if said else None)
    assert [data for _, data in found] == blobs
    assert [frame.sha256 for frame, _ in found] == [sha(blob) for blob in blobs]
    assert [frame.md5 for frame, _ in found] == [hashlib.md5(blob).digest() for blob in blobs]


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=8), st.data())
def test_every_cut_is_found(blobs, data):
    body = bundle(blobs)
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(IncompleteBody):
        parse(io.BytesIO(body[:cut]), len(body))


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=8), st.data())
def test_every_flipped_bit_of_the_bytes_or_digests_is_found(blobs, data):
    body = bytearray(bundle(blobs))
    # The first frame's digest or bytes; a flipped size is another kind of damage.
    places = [*range(32), *range(40, 40 + len(blobs[0]))]
    place = data.draw(st.sampled_from(places))
    body[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DigestMismatch) as caught:
        parse(io.BytesIO(bytes(body)), len(body))
    assert caught.value.details["sha256"] in str(caught.value)


@given(st.binary(max_size=400))
def test_garbage_is_refused_with_one_of_our_errors(body):
    try:
        parse(io.BytesIO(body), len(body))
    except (IncompleteBody, DigestMismatch, TooLarge):
        return
    assert body == b"" or len(body) >= frames.HEAD.size


def test_large_frames_span_pieces():
    blobs = [bytes([number]) * (700_000 + number) for number in range(6)]
    body = bundle(blobs)
    assert [data for _, data in parse(Trickle(body, 8192), len(body))] == blobs


def test_a_frame_at_the_limit_fits_and_one_byte_more_does_not(settings):
    body = bundle([b"x" * settings.FRAME_LIMIT])
    assert len(parse(io.BytesIO(body), len(body))) == 1
    body = bundle([b"x" * (settings.FRAME_LIMIT + 1)])
    with pytest.raises(TooLarge, match="in parts"):
        parse(io.BytesIO(body), len(body))


def test_a_size_beyond_reason_is_refused_before_its_bytes_are_read():
    head = frames.head(b"\0" * 32, 2**63)
    with pytest.raises(TooLarge):
        parse(io.BytesIO(head), len(head))


def test_a_body_said_to_be_too_long_is_refused_unread():
    stream = io.BytesIO(b"x" * 100)
    with pytest.raises(TooLarge):
        parse(stream, LIMIT + 1)
    assert stream.tell() == 0


def test_a_body_of_unknown_length_is_cut_off_at_the_limit():
    with pytest.raises(TooLarge):
        parse(io.BytesIO(bundle([b"x" * 1000] * 10)), None, limit=5000)


def test_a_body_longer_than_its_frames_is_incomplete():
    body = bundle([b"whole"]) + b"trailing"
    with pytest.raises(IncompleteBody):
        parse(io.BytesIO(body), len(body))


def test_a_connection_that_breaks_is_a_body_that_ends_early():
    body = bundle([b"x" * 1000] * 3)
    with pytest.raises(IncompleteBody) as caught:
        parse(Dropped(body[:1500], 700), len(body))
    assert caught.value.details == {"received": 1500, "expected": len(body)}


def test_memory_stays_bounded_whatever_the_body():
    import tracemalloc

    class Endless:
        """Frames of 60 kB without end, made while they are read."""

        def __init__(self) -> None:
            self.frame = bundle([b"y" * 60_000])
            self.held = b""

        def read(self, size: int, /) -> bytes:
            while len(self.held) < size:
                self.held += self.frame
            data, self.held = self.held[:size], self.held[size:]
            return data

    frame = len(bundle([b"y" * 60_000]))
    length = frame * 500
    tracemalloc.start()
    count = sum(len(batch.frames) for batch in frames.read_batches(Endless(), length, LIMIT))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 500
    assert peak < 8 * MIB

"""Bodies: whatever their framing and encoding, bounded and never silently short."""

import gzip
import io
import json
import tracemalloc
import zlib

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.errors import (
    IncompleteBody,
    InvalidInput,
    LengthRequired,
    StrongroomError,
    TooLarge,
    UnsupportedMediaType,
)

from registry.http import body
from tests.support.effort import within

MIB = 1024 * 1024
JSON = "application/json"


def put(data=b"", **meta):
    kind = meta.pop("kind", "application/octet-stream")
    # Said outright: the factory leaves both out of a request with an empty body.
    return RequestFactory().put(
        "/x", data, content_type=kind, CONTENT_LENGTH=str(len(data)), CONTENT_TYPE=kind, **meta
    )


def chunked(data, **meta):
    request = RequestFactory().put("/x", **meta)
    request.META.pop("CONTENT_LENGTH", None)
    request.META |= {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(data),
        "wsgi.input_terminated": True,
    }
    return request


def test_a_body_with_a_length_is_read_to_its_end_and_no_further():
    stream = body.open_body(put(b"0123456789"), limit=100)
    assert stream.length == 10
    assert stream.read(4) == b"0123"
    assert stream.read() == b"456789"
    assert stream.read(1) == b""


def test_a_chunked_body_is_read_from_the_servers_own_stream():
    stream = body.open_body(chunked(b"many bytes"), limit=100)
    assert stream.length is None
    assert stream.read() == b"many bytes"


def test_a_chunked_body_needs_a_server_that_marks_its_end():
    request = chunked(b"many bytes")
    del request.META["wsgi.input_terminated"]
    with pytest.raises(LengthRequired):
        body.open_body(request, limit=100)


def test_a_body_without_any_framing_is_refused():
    request = RequestFactory().put("/x")
    request.META["CONTENT_LENGTH"] = ""
    with pytest.raises(LengthRequired):
        body.open_body(request, limit=100)


def test_two_framings_of_one_body_are_refused():
    request = chunked(b"GET /admin HTTP/1.1")
    request.META["CONTENT_LENGTH"] = "5"
    with pytest.raises(InvalidInput, match="not both"):
        body.open_body(request, limit=100)


@pytest.mark.parametrize("coding", ["gzip, chunked", "identity", "xchunked", "chunked, chunked"])
def test_other_transfer_encodings_are_refused(coding):
    request = chunked(b"x")
    request.META["HTTP_TRANSFER_ENCODING"] = coding
    with pytest.raises(InvalidInput):
        body.open_body(request, limit=100)


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "5 5", "٣", "0x10", "9" * 30])
def test_a_content_length_that_is_no_number_is_refused(length):
    request = put(b"12345")
    request.META["CONTENT_LENGTH"] = length
    with pytest.raises(InvalidInput):
        body.open_body(request, limit=100)


def test_a_body_that_ends_early_is_an_error_not_an_end():
    request = put(b"")
    request._stream = io.BytesIO(b"12345")
    request.META["CONTENT_LENGTH"] = "9"
    stream = body.open_body(request, limit=100)
    assert stream.read(5) == b"12345"
    with pytest.raises(IncompleteBody) as caught:
        stream.read(5)
    assert caught.value.details == {"received": 5}


def test_a_broken_chunk_is_an_incomplete_body():
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError("no more data")

    request = chunked(b"")
    request.META["wsgi.input"] = Broken()
    with pytest.raises(IncompleteBody):
        body.open_body(request, limit=100).read(10)


def test_a_declared_length_over_the_limit_is_refused_before_reading():
    with pytest.raises(TooLarge):
        body.open_body(put(b"x" * 101), limit=100)


def test_a_chunked_body_over_the_limit_is_refused_while_reading():
    stream = body.open_body(chunked(b"x" * 101), limit=100)
    with pytest.raises(TooLarge):
        stream.read()


def test_gzip_is_inflated_as_it_is_read():
    data = bytes(range(256)) * 5000
    stream = body.open_body(put(gzip.compress(data, mtime=0), HTTP_CONTENT_ENCODING="gzip"), limit=10 * MIB)
    assert stream.length is None
    assert stream.read(3) == data[:3]
    assert stream.read() == data[3:]
    assert stream.read(1) == b""


def test_several_gzip_members_are_one_body():
    request = put(
        gzip.compress(b"one ", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"two", mtime=0),
        HTTP_CONTENT_ENCODING="gzip",
    )
    assert body.open_body(request, limit=100).read() == b"one two"


@pytest.mark.parametrize("cut", [1, 5, 12, -1, -8])
def test_a_gzip_body_cut_short_is_an_incomplete_body(cut):
    request = put(
        gzip.compress(b"some text that is long enough", mtime=0)[:cut], HTTP_CONTENT_ENCODING="gzip"
    )
    with pytest.raises(IncompleteBody):
        body.open_body(request, limit=1000).read()


@pytest.mark.parametrize("data", [b"plain", zlib.compress(b"x"), gzip.compress(b"x", mtime=0) + b"garbage"])
def test_what_is_not_gzip_is_refused(data):
    with pytest.raises(InvalidInput):
        body.open_body(put(data, HTTP_CONTENT_ENCODING="gzip"), limit=1000).read()


def test_an_empty_gzip_body_is_incomplete():
    with pytest.raises(IncompleteBody):
        body.open_body(put(b"", HTTP_CONTENT_ENCODING="gzip"), limit=1000).read()


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_other_content_encodings_are_refused(encoding):
    with pytest.raises(UnsupportedMediaType):
        body.open_body(put(b"x", HTTP_CONTENT_ENCODING=encoding), limit=1000)


def test_a_gigabyte_of_zeros_in_a_megabyte_is_refused_at_once_and_in_little_memory():
    squeeze = zlib.compressobj(level=9, wbits=31)
    bomb = b"".join(squeeze.compress(bytes(MIB)) for _ in range(1024)) + squeeze.flush()
    assert len(bomb) < 1.1 * MIB

    def read():
        with pytest.raises(TooLarge):
            for _ in body.pieces(body.open_body(put(bomb, HTTP_CONTENT_ENCODING="gzip"), limit=4096 * MIB)):
                pass

    assert within(1, read)
    tracemalloc.start()
    read()
    assert tracemalloc.get_traced_memory()[1] < 64 * MIB
    tracemalloc.stop()


@given(st.binary(max_size=3000), st.lists(st.integers(min_value=1, max_value=700), min_size=1))
def test_a_body_is_the_same_in_pieces_of_any_size_and_in_any_coding(data, sizes):
    for request in (
        put(data),
        chunked(data),
        put(gzip.compress(data, mtime=0), HTTP_CONTENT_ENCODING="gzip"),
        chunked(gzip.compress(data, mtime=0), HTTP_CONTENT_ENCODING="gzip"),
    ):
        stream = body.open_body(request, limit=10_000)
        got, turn = b"", 0
        while piece := stream.read(sizes[turn % len(sizes)]):
            got, turn = got + piece, turn + 1
        assert got == data


def test_json_is_read_within_its_limits():
    assert body.read_json(put(b'{"a": [1, 2.5, null, "\xc3\xa9"]}', kind=JSON)) == {"a": [1, 2.5, None, "é"]}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a": 1e400}',
        b'{"a": Infinity}',
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        b'{"a": "\\ud800"}',
        b'{"\\udc00": 1}',
        b'{"a": [["\\uDFFF"]]}',
    ],
)
def test_json_outside_of_the_limits_is_an_error_of_ours(raw):
    with pytest.raises(StrongroomError) as caught:
        body.read_json(put(raw, kind=JSON))
    assert caught.value.status == 400


def test_a_whole_surrogate_pair_is_one_character():
    assert body.read_json(put(b'"\\ud83d\\ude00"', kind=JSON)) == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_json_sent_as_something_else_is_refused(kind):
    with pytest.raises(UnsupportedMediaType):
        body.read_json(put(json.dumps({}).encode(), kind=kind))


def test_a_reader_that_keeps_what_arrived_is_given_an_early_end_as_an_end():
    request = put(b"")
    request._stream = io.BytesIO(b"12345")
    request.META["CONTENT_LENGTH"] = "9"
    stream = body.open_body(request, limit=100, partial=True)
    assert (stream.read(9), stream.read(4), stream.length) == (b"12345", b"", 9)


class Breaking:
    """A server's chunk reader: it fails once, and then hands out what it had."""

    def __init__(self, error):
        self.error, self.rest = error, b"12345"

    def read(self, size):
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        found, self.rest = self.rest[:size], self.rest[size:]
        return found


@pytest.mark.parametrize(("error", "kind"), [(OSError(), IncompleteBody), (ValueError("zz"), InvalidInput)])
def test_a_broken_chunked_body_is_told_by_its_kind(error, kind):
    request = chunked(b"")
    request.META["wsgi.input"] = Breaking(error)
    with pytest.raises(kind) as caught:
        body.open_body(request, limit=100).read(9)
    assert type(caught.value) is kind


@pytest.mark.parametrize(("error", "kind"), [(OSError(), IncompleteBody), (ValueError("zz"), InvalidInput)])
def test_what_arrived_of_a_broken_chunked_body_is_handed_out(error, kind):
    request = chunked(b"")
    request.META["wsgi.input"] = Breaking(error)
    stream = body.open_body(request, limit=100, partial=True)
    assert (stream.read(3), stream.read(9), stream.read(9)) == (b"123", b"45", b"")
    assert type(stream.broken) is kind

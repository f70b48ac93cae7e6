"""Delivery: ranges, tags, names, and headers that keep a file from acting as one of our pages."""

import gc
import io
import unicodedata

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from registry.http.delivery import clean_name, deliver, disposition
from registry.storage.ranges import FileRange

DATA = bytes(range(256)) * 4
SHA = "ab" * 32
TAG = f'"{SHA}"'


class Opened:
    def __init__(self):
        self.calls = []

    def __call__(self, start, length):
        self.calls.append((start, length))
        return io.BytesIO(DATA[start : start + length])


def ask(method="get", opener=None, size=1024, **headers):
    request = getattr(RequestFactory(), method)(
        "/x", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    return deliver(request, opener or Opened(), size=size, sha256=SHA, filename="models/weights.bin")


def content(response):
    return b"".join(response.streaming_content)


def test_a_file_comes_whole_with_its_digest_as_tag():
    response = ask()
    assert response.status_code == 200
    assert content(response) == DATA
    assert response["ETag"] == TAG
    assert response["Content-Length"] == str(len(DATA))
    assert response["Accept-Ranges"] == "bytes"


def test_what_is_collected_after_an_answer_does_not_end_another_request(tmp_path):
    """Django puts the response's `close` over the file's, which tells of a request's end: once is enough."""
    (tmp_path / "blob").write_bytes(DATA)
    ended = []
    request_finished.disconnect(close_old_connections)
    request_finished.connect(lambda **_: ended.append(1), weak=False, dispatch_uid="counted")
    try:
        response = ask(opener=lambda start, length: FileRange(tmp_path / "blob", start, length))
        # As Django's WSGIHandler does for a server with a file wrapper.
        response.file_to_stream.close = response.close
        response.file_to_stream.close()
        del response
        gc.collect()
    finally:
        request_finished.disconnect(dispatch_uid="counted")
        request_finished.connect(close_old_connections)
    assert ended == [1]


def test_a_file_can_not_act_as_a_page():
    response = ask()
    assert response["Content-Disposition"] == 'attachment; filename="weights.bin"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("asked", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 10),
        ("bytes=1000-", 1000, 24),
        ("bytes=-24", 1000, 24),
        ("bytes=-99999", 0, 1024),
        ("bytes=5-99999", 5, 1019),
        ("bytes= 5-6", 5, 2),
    ],
)
def test_a_range_opens_only_what_it_asks_for(asked, start, length):
    opener = Opened()
    response = ask(opener=opener, Range=asked)
    assert response.status_code == 206
    assert content(response) == DATA[start : start + length]
    assert response["Content-Range"] == f"bytes {start}-{start + length - 1}/1024"
    assert response["Content-Length"] == str(length)
    assert opener.calls == [(start, length)]


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_outside_is_416_with_the_size(asked):
    response = ask(Range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "bytes=9-2", "bytes=a-b", "items=0-1", "bytes=0-1,5-6", "bytes=٣-٤", "0-1"]
)
def test_a_range_that_makes_no_sense_is_ignored(asked):
    response = ask(Range=asked)
    assert response.status_code == 200
    assert content(response) == DATA


def test_any_range_of_an_empty_file_is_outside():
    assert ask(size=0, Range="bytes=0-").status_code == 416
    assert ask(size=0).status_code == 200


def test_if_range_with_another_tag_gives_the_whole_file():
    assert ask(Range="bytes=0-1", If_Range='"other"').status_code == 200
    assert ask(Range="bytes=0-1", If_Range=f"W/{TAG}").status_code == 200
    assert ask(Range="bytes=0-1", If_Range="Wed, 21 Oct 2026 07:28:00 GMT").status_code == 200
    assert ask(Range="bytes=0-1", If_Range=TAG).status_code == 206


@pytest.mark.parametrize("known", [TAG, f"W/{TAG}", f'"other", {TAG}', "*"])
def test_what_the_asker_has_is_not_sent_again(known):
    opener = Opened()
    response = ask(opener=opener, If_None_Match=known)
    assert response.status_code == 304
    assert response["ETag"] == TAG
    assert opener.calls == []


def test_another_tag_is_answered_with_the_file():
    assert ask(If_None_Match='"other"').status_code == 200
    assert ask(If_None_Match=SHA).status_code == 200


def test_head_tells_all_and_opens_nothing():
    opener = Opened()
    response = ask("head", opener=opener, Range="bytes=0-9")
    assert response.status_code == 206
    assert response["Content-Length"] == "10"
    assert response.content == b""
    assert opener.calls == []


def test_the_stream_hands_the_file_itself_to_the_server():
    response = ask()
    assert response.file_to_stream.read(3) == DATA[:3]
    response.file_to_stream.close()


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("a/b.txt", 'attachment; filename="b.txt"'),
        ('say "hi".txt', "attachment; filename=\"say _hi_.txt\"; filename*=UTF-8''say%20%22hi%22.txt"),
        ("été.csv", "attachment; filename=\"_t_.csv\"; filename*=UTF-8''%C3%A9t%C3%A9.csv"),
        (
            "x\r\nSet-Cookie: a=b",
            "attachment; filename=\"xSet-Cookie_ a=b\"; filename*=UTF-8''xSet-Cookie%3A%20a%3Db",
        ),
        ("exe\u202egpj.sh", 'attachment; filename="exegpj.sh"'),
        ("50%.txt", "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt"),
        ("\u200b", 'attachment; filename="download"'),
        ("..", 'attachment; filename="download"'),
        ("C:\\x\\y.dll", 'attachment; filename="y.dll"'),
    ],
)
def test_the_name_of_a_download_is_true_and_harmless(path, header):
    assert disposition(path) == header


@given(st.text(max_size=300))
def test_no_name_breaks_a_header_or_hides_what_it_is(path):
    header = disposition(path)
    assert header.isascii()
    assert header.isprintable()
    name = clean_name(path)
    assert "/" not in name
    assert 1 <= len(name) <= 200
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in name)

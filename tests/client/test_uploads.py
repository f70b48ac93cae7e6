"""Sending large files: offsets, resumption, and servers that describe uploads that cannot be."""

from __future__ import annotations

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.errors import BadAnswer, DigestMismatch, IncompleteBody, LocalFileError, OffsetMismatch
from strongroom.store import Item
from strongroom.transfer import bundles
from strongroom.transfer.inflight import RunningHash, window
from strongroom.transfer.journal import Journal
from strongroom.transfer.uploads import Upload, Uploader

from tests.client.conftest import session_to
from tests.client.fake_version import frame
from tests.client.scripted import Answer, an_error, as_json

pytestmark = pytest.mark.usefixtures("fast_retries")
DATA = os.urandom(3 << 20)


class Uploads:
    """The upload routes, in memory."""

    def __init__(self) -> None:
        self.kept = b""
        self.calls: list[str] = []
        self.trouble: list[Answer] = []

    def describe(self) -> Answer:
        part = {"number": 1, "offset": 0, "size": len(DATA), "received": len(self.kept)}
        return as_json({"id": "u", "size": len(DATA), "parts": [part]})

    def __call__(self, request) -> Answer:
        self.calls.append(f"{request.method} {request.path.rsplit('/', 1)[1]}")
        if request.method == "PUT":
            if self.trouble:
                self.kept += request.body[: 1 << 20]
                return self.trouble.pop(0)
            if int(request.headers["Upload-Offset"]) != len(self.kept):
                return an_error(409, "offset_mismatch", received=len(self.kept))
            self.kept += request.body
            return as_json({"received": len(self.kept)})
        if request.path.endswith("complete"):
            good = hashlib.sha256(self.kept).hexdigest().encode() in request.body
            return as_json({"sha256": "", "md5": "", "size": 0}) if good else an_error(400, "digest_mismatch")
        return self.describe()


@pytest.fixture
def item(home):
    (home / "big").write_bytes(DATA)
    return Item("big", len(DATA), source=os.fsencode(home / "big"))


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("strongroom.transfer.uploads.SETTLE_SECONDS", 0.001)


def uploader(scripted, uploads, journal=None) -> Uploader:
    return Uploader(session_to(scripted(uploads)), "d", None, journal)


def test_a_file_is_hashed_while_it_is_sent(scripted, item):
    uploads, seen = Uploads(), []
    digest = uploader(scripted, uploads).send_hashing(item, seen.append)
    assert digest == hashlib.sha256(DATA).digest()
    assert uploads.kept == DATA
    assert sum(seen) == len(DATA)
    assert uploads.calls == ["POST uploads", "PUT 1", "POST complete"]


@pytest.mark.parametrize("trouble", [Answer(status=503), Answer(b"12345", cut=2)])
def test_trouble_in_the_middle_is_gone_on_from(scripted, item, trouble):
    uploads, seen = Uploads(), []
    uploads.trouble = [trouble]
    assert uploader(scripted, uploads).send_hashing(item, seen.append) == hashlib.sha256(DATA).digest()
    assert uploads.kept == DATA
    assert sum(seen) == len(DATA)


def test_a_refusal_in_the_middle_is_raised_and_nothing_is_sent_again(scripted, item):
    uploads = Uploads()
    uploads.trouble = [an_error(400, "incomplete_body")]
    with pytest.raises(IncompleteBody):
        uploader(scripted, uploads).send_hashing(item, lambda count: None)
    assert uploads.calls == ["POST uploads", "PUT 1"]


def test_an_older_connection_that_still_writes_is_waited_for(scripted, item):
    uploads = Uploads()
    uploads.trouble = [an_error(409, "conflict", "Another connection is sending this part.")]
    assert uploader(scripted, uploads).send_hashing(item, lambda count: None) == hashlib.sha256(DATA).digest()
    assert uploads.kept == DATA


def test_an_offset_that_never_fits_ends(scripted, item):
    uploads = Uploads()
    uploads.trouble = [an_error(409, "offset_mismatch", received=5)] * 100
    with pytest.raises(OffsetMismatch):
        uploader(scripted, uploads).send_hashing(item, lambda count: None)


def test_a_file_that_shrinks_meanwhile_is_named(scripted, item, home):
    (home / "big").write_bytes(DATA[:-1])
    with pytest.raises(LocalFileError, match="changed while"):
        uploader(scripted, Uploads()).send_hashing(item, lambda count: None)


def test_a_known_digest_that_is_no_longer_that_of_the_file_is_named(scripted, item):
    item.sha256 = hashlib.sha256(b"before").digest()
    with pytest.raises(LocalFileError, match="changed while"):
        uploader(scripted, Uploads()).send(item, lambda count: None)


def test_what_a_killed_process_began_is_found_again(scripted, item):
    uploads = Uploads()
    uploads.kept = DATA[: 1 << 20]
    journal = Journal.find(["target"], [item])
    journal.note("big", "u")
    digest = uploader(scripted, uploads, journal).send_hashing(item, lambda count: None)
    assert digest == hashlib.sha256(DATA).digest()
    assert uploads.calls == ["GET u", "PUT 1", "POST complete"]
    assert journal.uploads == {}
    journal.close()


def test_what_was_begun_of_another_file_is_sent_anew(scripted, item):
    uploads = Uploads()
    uploads.kept = b"x" * (1 << 20)

    def answer(request):
        made = uploads(request)
        if request.path.endswith("complete") and made.status == 400:
            uploads.kept = b""
        return made

    journal = Journal.find(["target"], [item])
    journal.note("big", "u")
    found = Uploader(session_to(scripted(answer)), "d", None, journal)
    assert found.send_hashing(item, lambda count: None) == hashlib.sha256(DATA).digest()
    assert uploads.kept == DATA
    journal.close()


def test_a_file_that_differs_at_the_end_is_an_error(scripted, item):
    uploads = Uploads()

    def answer(request):
        return an_error(400, "digest_mismatch") if request.path.endswith("complete") else uploads(request)

    found = uploader(scripted, answer)
    with pytest.raises((LocalFileError, DigestMismatch)):
        found.send_hashing(item, lambda count: None)


PART = {"number": 1, "offset": 0, "size": 10, "received": 0}


@pytest.mark.parametrize(
    "parts",
    [
        None, [], "x", [1], [{**PART, "size": 9}], [{**PART, "received": 11}], [{**PART, "offset": 1}],
        [PART, PART], [{**PART, "size": -10}], [{**PART, "number": None}],
    ],
)  # fmt: skip
def test_an_upload_that_cannot_be_is_refused(parts):
    with pytest.raises(BadAnswer):
        Upload.parse({"id": "u", "parts": parts}, 10)


def test_a_journal_belongs_to_one_process_at_a_time(item):
    first = Journal.find(["target"], [item])
    assert Journal.find(["target"], [item]) is None
    assert Journal.find(["another"], [item]) is not None
    first.note("big", "u")
    client_id = first.client_id
    first.close()
    second = Journal.find(["target"], [item])
    assert (second.client_id, second.uploads) == (client_id, {"big": "u"})
    second.done()
    second.close()
    third = Journal.find(["target"], [item])
    assert third.client_id != client_id
    third.close()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"client_id": "x"}', '{"client_id": "x", "uploads": 7}'])
def test_a_journal_that_was_cut_short_begins_anew(item, text, tmp_path):
    first = Journal.find(["target"], [item])
    first.close()
    path = next((tmp_path / "home" / "cache" / "strongroom" / "journal").iterdir())
    path.write_text(text)
    second = Journal.find(["target"], [item])
    assert second.uploads == {}
    assert len(second.client_id) == 32
    second.close()


@given(st.binary(max_size=5000), st.lists(st.integers(0, 5000), max_size=5), st.integers(1, 999))
def test_bytes_seen_again_are_hashed_once(tmp_path_factory, data, restarts, block):
    path = tmp_path_factory.mktemp("hash") / "f"
    path.write_bytes(data)
    running = RunningHash()
    item = Item("f", len(data))
    with path.open("rb", buffering=0) as file:
        for start in [min(start, len(data)) for start in restarts]:
            running.catch_up(file, start)
            length = min(block, len(data) - start)
            assert (
                b"".join(bytes(b) for b in window(item, file, start, length, running, lambda count: None))
                == (data[start : start + length])
            )
        running.catch_up(file, len(data))
    assert running.digest() == hashlib.sha256(data).digest()


@given(st.sets(st.binary(max_size=40), max_size=20))
def test_parsing_a_bundle_is_the_inverse_of_framing_it(blobs):
    wanted = {hashlib.sha256(blob).digest(): len(blob) for blob in blobs}
    found = {digest: bytes(body) for digest, body in bundles.parse(b"".join(map(frame, blobs)), wanted)}
    assert found == {hashlib.sha256(blob).digest(): blob for blob in blobs}


@given(st.lists(st.integers(0, 100), max_size=50), st.integers(1, 200), st.integers(1, 10))
def test_groups_keep_order_and_bounds(sizes, most_bytes, most):
    items = [Item(str(n), size) for n, size in enumerate(sizes)]
    groups = list(bundles.group(items, most_bytes, most))
    assert [item for group in groups for item in group] == items
    for group in groups:
        assert 0 < len(group) <= most
        assert len(group) == 1 or sum(item.size for item in group) <= most_bytes

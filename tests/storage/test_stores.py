"""The conformance suite against servers that speak the protocols of the three kinds of object store."""

from __future__ import annotations

import hashlib
import io

import pytest
import urllib3

from registry.errors import StorageFull, Unavailable
from registry.storage import backends
from registry.storage.backends.remote import STEP
from registry.storage.durable import as_storage_error
from registry.storage.trouble import StoreError, Trouble
from tests.storage.conformance import BackendConformance, finished_file

MIB = 1024 * 1024
LARGE = "large/ab/whole"


class StoreConformance(BackendConformance):
    """What object stores do on top: many requests for one object, and parts that others send."""

    @pytest.mark.parametrize("size", [STEP - 1, STEP, STEP + 1, 2 * STEP])
    def test_objects_around_the_size_of_a_part_are_stored_whole(self, backend, size):
        data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        assert backend.put(LARGE, io.BytesIO(data)) == size
        assert backend.size(LARGE) == size
        with backend.open(LARGE, size - 3) as opened:
            assert opened.read() == data[-3:]

    def test_a_large_file_is_adopted_whole(self, backend):
        data = hashlib.sha256(b"seed").digest() * (2 * STEP // 32) + b"end"
        backend.adopt(finished_file(data), LARGE)
        with backend.open(LARGE) as opened:
            assert hashlib.sha256(opened.read()).digest() == hashlib.sha256(data).digest()

    def test_a_stream_that_breaks_after_a_part_leaves_nothing(self, backend):
        class Breaking(io.BytesIO):
            left = STEP + MIB

            def read(self, size: int | None = -1, /) -> bytes:
                if self.left <= 0:
                    raise RuntimeError("the sender's fault")
                self.left -= size or 0
                return b"x" * (size or 0)

        with pytest.raises(RuntimeError):
            backend.put(LARGE, Breaking())
        assert not backend.exists(LARGE)
        assert list(backend.walk()) == []
        assert list(backend.walk_parts()) == []

    def test_parts_of_others_become_an_object(self, backend):
        pieces = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"the end"]
        id = backend.begin_parts(LARGE)
        assert [found.name for found in backend.walk_parts()] in ([LARGE], [])
        for number in (3, 1, 2):
            send(backend, id, number, pieces[number - 1])
        assert list(backend.walk()) == []
        parts = backend.list_parts(LARGE, id)
        assert [(part.number, part.size) for part in parts] == [(1, 5 * MIB), (2, 5 * MIB), (3, 7)]
        assert backend.complete_parts(LARGE, id, parts) == 10 * MIB + 7
        # The answer got lost, and it is asked again.
        assert backend.complete_parts(LARGE, id, parts) == 10 * MIB + 7
        with backend.open(LARGE) as opened:
            assert opened.read() == b"".join(pieces)
        assert list(backend.walk_parts()) == []
        assert [found.name for found in backend.walk()] == [LARGE]

    def test_a_part_that_is_sent_again_replaces_the_first(self, backend):
        id = backend.begin_parts(LARGE)
        send(backend, id, 1, b"one")
        send(backend, id, 1, b"other")
        backend.complete_parts(LARGE, id, backend.list_parts(LARGE, id))
        with backend.open(LARGE) as opened:
            assert opened.read() == b"other"

    def test_more_parts_than_are_put_together_at_once(self, backend):
        pieces = [f"{number} ".encode() for number in range(40)]
        if backend.parts.least > 1:
            pytest.skip("its parts have a least size")
        id = backend.begin_parts(LARGE)
        for number, piece in enumerate(pieces, start=1):
            send(backend, id, number, piece)
        backend.complete_parts(LARGE, id, backend.list_parts(LARGE, id))
        with backend.open(LARGE) as opened:
            assert opened.read() == b"".join(pieces)
        assert list(backend.walk_parts()) == []

    def test_aborted_parts_leave_nothing_and_aborting_again_is_no_error(self, backend):
        id = backend.begin_parts(LARGE)
        send(backend, id, 1, b"one")
        assert [(found.name, found.id) for found in backend.walk_parts()] == [(LARGE, id)]
        backend.abort_parts(LARGE, id)
        backend.abort_parts(LARGE, id)
        assert list(backend.walk_parts()) == []
        assert not backend.exists(LARGE)

    def test_a_signed_address_gives_the_object_or_a_range_of_it(self, backend):
        backend.put(LARGE, io.BytesIO(b"0123456789"))
        address = backend.presign_get(
            LARGE, disposition='attachment; filename="model.bin"', content_type="application/octet-stream"
        )
        whole = urllib3.request("GET", address)
        assert whole.data == b"0123456789"
        assert whole.headers["Content-Disposition"] == 'attachment; filename="model.bin"'
        assert urllib3.request("GET", address, headers={"Range": "bytes=2-4"}).data == b"234"

    @pytest.mark.parametrize("seconds", [0, -1, 901])
    def test_no_link_lives_longer_than_a_quarter_of_an_hour(self, backend, seconds):
        with pytest.raises(ValueError, match="900"):
            backend.presign_get(LARGE, disposition="attachment", content_type="a/b", seconds=seconds)

    @pytest.mark.parametrize("name", ["../outside", "/etc/outside", "packs/../../outside", "packs//x"])
    def test_no_name_leads_out_of_the_prefix(self, backend, name):
        from django.core.exceptions import SuspiciousFileOperation

        with pytest.raises(SuspiciousFileOperation):
            backend.size(name)


def send(backend, id, number, data):
    """Send a part as a client does: by the link alone."""
    checksum = hashlib.new(backend.parts.checksum, data).digest()
    link = backend.presign_part(LARGE, id, number, size=len(data), checksum=checksum)
    headers = {"Content-Type": "application/octet-stream", **link.headers}
    answer = urllib3.request(link.method, link.url, body=data, headers=headers)
    assert answer.status in (200, 201), answer.data


class TestS3(StoreConformance):
    @pytest.fixture
    def backend(self, s3_store, kept_in):
        kept_in("s3", s3_store, STRONGROOM_BLOBS_PREFIX="some/where")
        return backends.current()


class TestS3WithMd5s(StoreConformance):
    """Stores of other makers that know no checksums but MD5."""

    @pytest.fixture
    def backend(self, s3_store, kept_in):
        kept_in("s3", s3_store, STRONGROOM_BLOBS_CHECKSUM="md5")
        return backends.current()


class TestGoogle(StoreConformance):
    @pytest.fixture
    def backend(self, gcs_store, kept_in):
        kept_in("gcs", gcs_store, STRONGROOM_BLOBS_PREFIX="some/where")
        return backends.current()


class TestAzure(StoreConformance):
    @pytest.fixture
    def backend(self, azure_store, kept_in):
        kept_in("azure", azure_store, STRONGROOM_BLOBS_PREFIX="some/where")
        return backends.current()


@pytest.mark.parametrize(
    "ask",
    [
        lambda backend: backend.open("packs/ab/1"),
        lambda backend: backend.open("packs/ab/1", 3, 4),
        lambda backend: backend.size("packs/ab/1"),
        lambda backend: backend.exists("packs/ab/1"),
        lambda backend: backend.put("packs/ab/1", io.BytesIO(b"x")),
        lambda backend: list(backend.walk()),
    ],
)
def test_a_bucket_that_is_missing_is_not_taken_for_a_missing_object(anywhere, kept_in, request, ask):
    store = request.getfixturevalue(f"{anywhere}_store")
    kept_in(anywhere, store, STRONGROOM_BLOBS_BUCKET="there-is-no-such")
    with pytest.raises(StoreError) as caught:
        ask(backends.current())
    assert caught.value.trouble is Trouble.NO_BUCKET
    assert isinstance(as_storage_error(caught.value), Unavailable)


def test_what_a_store_says_is_answered_without_the_operators_names():
    told = as_storage_error(StoreError(Trouble.DENIED, "AccessDenied for arn:aws:iam::1:user/strongroom"))
    assert "arn" not in told.message
    assert told.status == 503
    assert isinstance(as_storage_error(StoreError(Trouble.FULL)), StorageFull)

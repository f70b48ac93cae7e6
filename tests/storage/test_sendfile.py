"""Large blobs leave through the kernel: a real server, a real socket, the right bytes."""

from __future__ import annotations

import io
import random
import socket
import threading
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.http.wsgi import FileWrapper, Response

from registry import storage
from registry.errors import Damaged
from tests.storage.helpers import sha

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024


@pytest.fixture
def blob_and_data(scope):
    data = random.Random(11).randbytes(4 * MIB + 5)
    upload = storage.begin_upload(scope, 1, len(data)).upload
    storage.append_part(upload, 1, 0, io.BytesIO(data), len(data))
    return storage.complete_upload(upload, sha(data)), data


def deliver(opened):
    """Let gunicorn's own response send a file over a socket; return what arrived, and how often it was read."""
    reads = []
    plain = opened.read
    opened.read = lambda size=-1: reads.append(size) or plain(size)
    ours, theirs = socket.socketpair()
    arrived = []

    def receive():
        with theirs:
            while data := theirs.recv(MIB):
                arrived.append(data)

    thread = threading.Thread(target=receive)
    thread.start()
    request = SimpleNamespace(version=(1, 1), method="GET", should_close=lambda: False)
    with ours:
        response = Response(request, ours, Config())
        response.start_response("200 OK", [("Content-Length", str(opened.length))])
        response.write_file(FileWrapper(opened, 8192))
        response.close()
    thread.join()
    opened.close()
    return b"".join(arrived).partition(b"\r\n\r\n")[2], reads


def test_gunicorn_reads_what_is_to_be_verified_on_its_way(blob_and_data, data_dir):
    blob, data = blob_and_data
    body, reads = deliver(storage.open_blob(blob, by_kernel=False))
    assert body == data
    assert reads
    with (data_dir / "blobs" / blob.object.name).open("r+b") as file:
        file.seek(blob.offset + 7)
        file.write(bytes([data[7] ^ 1]))
    with pytest.raises(Damaged):
        deliver(storage.open_blob(blob, by_kernel=False))


@pytest.mark.parametrize(("start", "length"), [(0, None), (1, None), (123_456, 2 * MIB), (4 * MIB, 5)])
def test_gunicorn_sends_a_range_without_reading_it(blob_and_data, start, length):
    blob, data = blob_and_data
    body, reads = deliver(storage.open_blob(blob, start, length))
    assert body == (data[start:] if length is None else data[start : start + length])
    assert reads == []


def test_a_small_blob_is_verified_and_then_sent_from_memory(scope):
    upload = storage.begin_upload(scope, 1, 5).upload
    storage.append_part(upload, 1, 0, io.BytesIO(b"hello"), 5)
    body, reads = deliver(storage.open_blob(storage.complete_upload(upload, sha(b"hello")), 1))
    assert body == b"ello"
    assert reads

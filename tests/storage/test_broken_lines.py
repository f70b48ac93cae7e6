"""Real connections to stores that break in the middle: what the libraries raise then is understood."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from registry.storage import backends
from registry.storage.trouble import StoreError

MIB = 1024 * 1024
NAME = "large/ab/1"


class Line:
    """A way to a server that cuts each of the first connections after so many bytes of its answers."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        # How often, and after how much.
        self.cuts = 0
        self.after = MIB
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        given = 0
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
                given += len(data)
                if answers and self.cuts and given > self.after:
                    self.cuts -= 1
                    break
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self) -> None:
        self._listener.close()


@contextmanager
def line_to(address: str) -> Iterator[Line]:
    parts = urlsplit(address)
    made = Line((parts.hostname or "", parts.port or 0))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(params=["s3", "gcs", "azure"])
def line(request, kept_in):
    """The blobs in a store that is reached over a line that can be cut."""
    store = request.getfixturevalue(f"{request.param}_store")
    with line_to(store.endpoint) as made:
        parts = urlsplit(store.endpoint)
        near, far = made.address, f"{parts.scheme}://{parts.netloc}"
        environment = {name: value.replace(far, near) for name, value in store.environment.items()}
        kept_in(request.param, replace(store, environment=environment))
        yield made


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)


DATA = hashlib.sha256(b"seed").digest() * (3 * MIB // 32)


def test_a_read_goes_on_over_a_new_connection(line):
    backend = backends.current()
    backend.put(NAME, io.BytesIO(DATA))
    line.cuts = 3
    with backend.open(NAME, 5) as opened:
        assert b"".join(iter(lambda: opened.read(100_000), b"")) == DATA[5:]
    assert line.cuts < 3


def test_a_line_that_never_holds_is_an_error_and_no_short_object(line):
    backend = backends.current()
    backend.put(NAME, io.BytesIO(DATA))
    line.cuts, line.after = 10_000, 0
    with pytest.raises(StoreError), backend.open(NAME, 5) as opened:
        opened.read()

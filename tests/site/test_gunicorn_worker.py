"""What the web server does with peers that take their answer slowly, or not at all; and whom it believes."""

import http.client
import os
import runpy
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress

import pytest

from artifacts_site import gunicorn_worker
from artifacts_site.gunicorn_worker import PatientSocket

DATA = bytes(range(256)) * 8_000


@pytest.fixture
def ends(monkeypatch):
    monkeypatch.setattr(gunicorn_worker, "SEND_SECONDS", 0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        peer = socket.create_connection(listener.getsockname())
        ours = PatientSocket.instead_of(listener.accept()[0])
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    with ours, peer:
        yield ours, peer


def by_pieces(ours, _tmp_path):
    ours.sendall(DATA)


def by_file(ours, tmp_path):
    (tmp_path / "data").write_bytes(DATA)
    with (tmp_path / "data").open("rb") as file:
        assert ours.sendfile(file, offset=0, count=len(DATA)) == len(DATA)


@pytest.mark.parametrize("send", [by_pieces, by_file])
def test_a_slow_reader_gets_all(ends, tmp_path, send):
    ours, peer = ends
    found = bytearray()

    def read():
        while piece := peer.recv(250_000):
            found.extend(piece)
            time.sleep(0.1)

    reader = threading.Thread(target=read)
    reader.start()
    started = time.monotonic()
    send(ours, tmp_path)
    ours.shutdown(socket.SHUT_WR)
    reader.join(60)
    assert found == DATA
    assert time.monotonic() - started > gunicorn_worker.SEND_SECONDS
    assert ours.gettimeout() is None


@pytest.mark.parametrize("send", [by_pieces, by_file])
def test_a_reader_that_stops_is_given_up(ends, tmp_path, send):
    with pytest.raises(ConnectionResetError):
        send(ends[0], tmp_path)


@pytest.mark.parametrize(("trust", "believed"), [("0", {}), ("1", None)])
def test_https_is_believed_of_ones_own_proxy_only(monkeypatch, trust, believed):
    monkeypatch.setenv("STRONGROOM_TRUST_PROXY", trust)
    conf = runpy.run_module("artifacts_site.gunicorn_conf")
    assert conf.get("secure_scheme_headers") == believed
    assert (conf["forwarded_allow_ips"] == "*") == (trust == "1")


def names_its_process(_environ, start_response):
    """The application of the next test."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


@pytest.fixture
def two_processes():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        command = [
            sys.executable, "-m", "gunicorn", "-k", "artifacts_site.gunicorn_worker.PatientWorker", "-w", "2",
            "--threads", "8", "--keep-alive", "60", "-b", f"fd://{listener.fileno()}", f"{__name__}:names_its_process",
        ]  # fmt: skip
        server = subprocess.Popen(command, pass_fds=[listener.fileno()], stderr=subprocess.PIPE)
        try:
            yield listener.getsockname()
        finally:
            server.terminate()
            server.communicate()


def test_connections_that_are_kept_are_shared_between_the_processes(two_processes):
    def ask(connection):
        connection.request("GET", "/")
        return connection.getresponse().read()

    seen = set()
    until = time.monotonic() + 60
    while len(seen) < 2 and time.monotonic() < until:  # both have begun
        with suppress(OSError), closing(http.client.HTTPConnection(*two_processes)) as connection:
            seen.add(ask(connection))
    with ExitStack() as stack:
        kept = [stack.enter_context(closing(http.client.HTTPConnection(*two_processes))) for _ in range(16)]
        shares = Counter(map(ask, kept))
    assert min(shares[process] for process in seen) >= 3, shares

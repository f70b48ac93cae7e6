"""What the web server does with peers that take their answer slowly, or not at all; and whom it believes."""

import runpy
import socket
import threading
import time

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

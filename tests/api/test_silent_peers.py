"""Peers that fall silent: in their headers or in a body; and slow ones that do not."""

import json
import socket
import time
from contextlib import ExitStack, closing, contextmanager

import pytest

from tests.api.test_live import Live
from tests.support.installation import Installation

pytestmark = pytest.mark.installation
MANY = 40


@pytest.fixture(scope="module")
def hasty():
    installation = Installation.in_new_folder(STRONGROOM_READ_SECONDS="2")
    try:
        yield installation.start()
    finally:
        installation.remove()


@pytest.fixture(scope="module")
def key(hasty):
    return hasty.make_key("quiet")


@pytest.fixture
def live(hasty, key):
    # A connection for each test: what rests between two of them is closed.
    with closing(Live(hasty.url, key, "quiet")) as kept:
        yield kept


@contextmanager
def dial(live):
    host, _, port = live.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as sock:
        yield sock


def whole(sock):
    found = b""
    while piece := sock.recv(65536):
        found += piece
    return found


def new_part(live, size):
    _, body = live.ask("POST", f"{live.home}/drafts", {"collection": "set", "type": "dataset"})
    _, body = live.ask("POST", f"/api/v1/drafts/{json.loads(body)['id']}/uploads", {"size": size})
    return f"/api/v1/uploads/{json.loads(body)['id']}/parts/1"


def put(live, part, framing):
    return (
        f"PUT {part} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.key}\r\n"
        f"Upload-Offset: 0\r\n{framing}\r\n\r\n"
    ).encode()


def stays_up(live, hello):
    """Let many say something and fall silent; others must be served meanwhile or soon after."""
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(dial(live)).sendall(hello)
        started = time.monotonic()
        with closing(Live(f"http://{live.host}", live.key, "quiet")) as other:
            assert other.ask("GET", "/healthz")[0].status == 200
        assert time.monotonic() - started < 12


@pytest.mark.parametrize("hello", [b"", b"GET /sign-in HTTP/1.1\r\nHost: 127", b"GE", b"?\r\n\r\n"])
def test_headers_that_never_end_or_no_goodbye_do_not_stop_the_server(live, hello):
    stays_up(live, hello)


def test_bodies_that_never_come_do_not_stop_the_server(live):
    stays_up(live, put(live, new_part(live, 9), "Content-Length: 9") + b"1")


def test_bodies_that_are_refused_unread_and_never_come_do_not_stop_the_server(live):
    stays_up(live, b"PUT /api/v1/me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1")


def test_who_sends_on_after_a_refusal_reads_it_and_asks_again(live):
    with dial(live) as sock:
        sock.sendall(b"PUT /api/v1/me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1")
        time.sleep(0.3)
        sock.sendall(b"23456789GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answers = whole(sock)
    assert answers.startswith(b"HTTP/1.1 401")
    assert b"HTTP/1.1 200" in answers


def test_a_refusal_that_leaves_much_unread_says_that_the_connection_ends(live):
    with dial(live) as sock:
        sock.sendall(b"PUT /api/v1/me HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n")
        sock.sendall(b"a" * 3_000_000)
        answer = whole(sock)
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"Connection: close" in answer


def test_answers_that_nobody_takes_do_not_stop_the_server(live):
    part = new_part(live, 9)
    live.ask("PUT", part, b"123456789", Upload_Offset="0")
    with ExitStack() as stack:
        for _ in range(MANY):
            sock = stack.enter_context(closing(socket.socket()))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            host, _, port = live.host.partition(":")
            sock.connect((host, int(port)))
            # Small requests, one after the other, for an answer that is larger than what the kernel holds.
            sock.sendall(b"GET /static/vendor/elk-worker.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
        started = time.monotonic()
        with closing(Live(f"http://{live.host}", live.key, "quiet")) as other:
            assert other.ask("GET", "/healthz")[0].status == 200
        assert time.monotonic() - started < 12


def drip(sock, data):
    for letter in data:
        sock.sendall(bytes([letter]))
        time.sleep(0.1)


def test_headers_that_drip_are_given_up(live):
    with dial(live) as sock, pytest.raises((BrokenPipeError, ConnectionResetError)):
        drip(sock, b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 100)


FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize("head", [b"", FORM], ids=["refused unread", "read"])
def test_a_body_that_drips_is_given_up(live, head):
    """A byte now and then is no silence, and would keep a thread for as long as its sender likes."""
    with dial(live) as sock:
        started = time.monotonic()
        sock.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nCookie: strongroom-csrf="
            + b"a" * 32
            + b"\r\n"
            + head
            + b"Content-Length: 100000\r\n\r\n"
        )
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            drip(sock, b"a" * 100)
        assert time.monotonic() - started < 9


@pytest.mark.parametrize(
    ("framing", "sent"),
    [
        ("Content-Length: 900000", b"a" * 300_000),
        ("Transfer-Encoding: chunked", b"f0000\r\n" + b"a" * 300_000),
    ],
)
def test_what_arrived_before_the_silence_is_kept(live, framing, sent):
    part = new_part(live, 900_000)
    with dial(live) as sock:
        sock.sendall(put(live, part, framing) + sent)
        answer = whole(sock)
    assert answer.startswith(b"HTTP/1.1 400"), answer
    error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert (error["code"], error["details"]["received"]) == ("incomplete_body", 300_000)
    assert json.loads(live.ask("PUT", part, b"b" * 600_000, Upload_Offset="300000")[1]) == {
        "received": 900_000
    }


def test_a_form_that_breaks_off_is_no_form(live):
    with dial(live) as sock:
        sock.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=a"
        )
        assert whole(sock).startswith(b"HTTP/1.1 4")


def test_what_comes_after_the_silence_is_no_request(live):
    inner = f"GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.key}\r\n\r\n".encode()
    with dial(live) as sock:
        sock.sendall(put(live, new_part(live, 900), "Content-Length: 900") + b"1")
        time.sleep(2.5)
        sock.sendall(inner)
        try:
            found = whole(sock)
        except ConnectionResetError:
            return
    assert found.count(b"HTTP/1.1 ") == 1, found


def test_a_slow_upload_comes_whole(live):
    data = bytes(range(250)) * 4_000
    part = new_part(live, len(data))
    with dial(live) as sock:
        sock.sendall(put(live, part, f"Content-Length: {len(data)}\r\nConnection: close"))
        for start in range(0, len(data), 200_000):
            time.sleep(1)
            sock.sendall(data[start : start + 200_000])
        assert b'{"received":%d}' % len(data) in whole(sock).replace(b" ", b"")


def test_a_kept_connection_may_rest_longer_than_a_body(live):
    assert live.ask("GET", "/healthz")[0].status == 200
    kept = live.connection.sock
    time.sleep(3)
    assert live.ask("GET", "/healthz")[0].status == 200
    assert live.connection.sock is kept


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        (b"GET /?" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n", 414, "too_large"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 9_000 + b"\r\n", 431, "too_large"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n", 417, "invalid_input"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: tea\r\n", 501, "invalid_input"),
    ],
)
def test_what_the_server_itself_refuses_has_a_code(live, request_line, status, code):
    answer = live.raw(request_line + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 %d" % status), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == code

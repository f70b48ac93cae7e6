"""Over real connections: streams, ranges by sendfile, kept-alive answers, and two ways to smuggle."""

import hashlib
import http.client
import json
import socket
import time
from contextlib import closing
from urllib.parse import quote, urlsplit

import pytest

from tests.factories import frames, manifest_lines, unique

pytestmark = pytest.mark.installation
LARGE = bytes(range(256)) * 20_000
FILES = {"large.bin": LARGE, "small.txt": b"small"}


@pytest.fixture(scope="module")
def live(live_installation):
    name = unique("liver")
    with closing(Live(live_installation.url, live_installation.make_key(name), name)) as kept:
        yield kept


class Live:
    """One kept-alive connection to a running server."""

    def __init__(self, url, key, user):
        self.host = urlsplit(url).netloc
        self.key, self.home = key, f"/api/v1/projects/{user}/live"
        self.connection = http.client.HTTPConnection(self.host, timeout=20)

    def close(self):
        self.connection.close()

    def ask(self, method, path, body=None, **headers):
        if isinstance(body, dict):
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(
            method, path, body, {"Authorization": f"Bearer {self.key}", **named}, encode_chunked=True
        )
        response = self.connection.getresponse()
        return response, response.read()

    def begin(self, size):
        """Begin a draft with one upload of so many bytes; return the upload's path."""
        response, body = self.ask("POST", f"{self.home}/drafts", {"collection": "set", "type": "dataset"})
        assert response.status == 201, (response.status, body)
        draft = f"/api/v1/drafts/{json.loads(body)['id']}"
        response, body = self.ask("POST", f"{draft}/uploads", {"size": size})
        assert response.status == 201, (response.status, body)
        return f"/api/v1/uploads/{json.loads(body)['id']}"

    def raw(self, data, *, hang_up=False):
        """Send bytes as they are, and return everything that comes back until the server closes or is done."""
        host, _, port = self.host.partition(":")
        with socket.create_connection((host, int(port)), timeout=3) as sock:
            sock.sendall(data)
            if hang_up:
                sock.shutdown(socket.SHUT_WR)
            found = b""
            try:
                while piece := sock.recv(65536):
                    found += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return found


@pytest.fixture(scope="module")
def version(live):
    """A version that was logged over the wire; its large file is an object of its own."""
    response, body = live.ask("POST", f"{live.home}/drafts", {"collection": "set", "type": "dataset"})
    assert response.status == 201, body
    draft = f"/api/v1/drafts/{json.loads(body)['id']}"
    lines = b"".join(manifest_lines(FILES))
    # Chunked: http.client frames an iterator so by itself.
    response, body = live.ask("PUT", f"{draft}/manifest", iter([lines[:50], lines[50:]]))
    assert json.loads(body)["entries"] == 2, body
    assert live.ask("POST", f"{draft}/bundles", frames([b"small"]))[0].status == 200
    _, body = live.ask("POST", f"{draft}/uploads", {"size": len(LARGE)})
    upload = json.loads(body)
    response, body = live.ask(
        "PUT",
        f"/api/v1/uploads/{upload['id']}/parts/1",
        iter([LARGE[:1_000_000], LARGE[1_000_000:]]),
        Upload_Offset="0",
    )
    assert json.loads(body) == {"received": len(LARGE)}
    digest = hashlib.sha256(LARGE).hexdigest()
    assert live.ask("POST", f"/api/v1/uploads/{upload['id']}/complete", {"sha256": digest})[0].status == 200
    response, body = live.ask("POST", f"{draft}/commit", {})
    assert response.status == 201, body
    return f"{live.home}/collections/set/versions/v0"


def test_a_large_file_comes_whole_and_in_ranges(live, version):
    response, body = live.ask("GET", f"{version}/content?path=large.bin")
    assert body == LARGE
    assert response.headers["ETag"] == f'"{hashlib.sha256(LARGE).hexdigest()}"'
    response, body = live.ask("GET", f"{version}/content?path=large.bin", Range="bytes=999999-2999998")
    assert (response.status, body) == (206, LARGE[999_999:2_999_999])
    response, body = live.ask("GET", f"{version}/content?path=large.bin", Range="bytes=-7")
    assert (response.status, body) == (206, LARGE[-7:])
    response, body = live.ask("HEAD", f"{version}/content?path=large.bin")
    assert (response.headers["Content-Length"], body) == (str(len(LARGE)), b"")


def test_head_has_the_headers_of_get_and_no_body(live, live_installation):
    wanted, _ = live.ask("GET", "/api/v1/me")
    response, body = live.ask("HEAD", "/api/v1/me")
    assert (response.headers["Content-Length"], body) == (wanted.headers["Content-Length"], b"")
    live.ask("HEAD", "/sign-in")
    assert "no-body" not in live_installation.said()


def test_streams_end_where_they_say(live, version):
    response, body = live.ask("GET", f"{version}/manifest")
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert [json.loads(line)["path"] for line in body.splitlines()] == sorted(FILES)
    _, body = live.ask("POST", f"{version}/bundle", {"paths": sorted(FILES)})
    assert len(body) == sum(40 + len(data) for data in FILES.values())


def test_answers_with_a_body_on_a_kept_connection_do_not_wait_for_nagle(live, version):
    """Headers and body in two small writes meet the delayed acknowledgement: 40 ms for every answer."""

    def seconds():
        started = time.perf_counter()
        response, body = live.ask("GET", version)
        assert response.status == 200
        assert body
        return time.perf_counter() - started

    # A busy machine slows some of them: the stall would be in each.
    assert any(seconds() < 0.035 for _ in range(100))


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: 6\r\nContent-Length: 60\r\n",
        b"Content-Length: +6\r\n",
    ],
)
def test_a_request_hidden_in_a_body_never_runs(live, framing):
    before = len(keys_of(live))
    hidden = json.dumps({"name": "smuggled"}).encode()
    inner = (
        b"POST /api/v1/me/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    ) % (live.key.encode(), len(hidden), hidden)
    outer = b"POST /api/v1/none HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n0\r\n\r\n%s"
    answer = live.raw(outer % (live.key.encode(), framing, inner))
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), answer[:200]
    assert len(keys_of(live)) == before


def keys_of(live):
    return json.loads(live.ask("GET", "/api/v1/me/keys")[1])["results"]


def test_an_upload_that_breaks_off_goes_on_from_what_arrived(live, version):
    part = f"{live.begin(3_000_000)}/parts/1"
    head = (
        f"PUT {part} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.key}\r\n"
        "Upload-Offset: 0\r\nContent-Length: 3000000\r\n\r\n"
    )
    host, _, port = live.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=3) as sock:
        sock.sendall(head.encode() + LARGE[:2_000_000])
    deadline = time.monotonic() + 10
    received, before = 0, -1
    # What the broken connection still held is written after it broke: wait until no more comes.
    while (not received or received != before) and time.monotonic() < deadline:
        before = received
        time.sleep(0.3)
        received = json.loads(live.ask("GET", part.rpartition("/parts")[0])[1])["parts"][0]["received"]
    assert 0 < received <= 2_000_000
    _, body = live.ask("PUT", part, LARGE[received:3_000_000], Upload_Offset=str(received))
    assert json.loads(body) == {"received": 3_000_000}


def cut_short(live, framed):
    """Send a chunked part of 900,000 bytes and hang up; return the answer's error, and what is there."""
    upload = live.begin(900_000)
    head = (
        f"PUT {upload}/parts/1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.key}\r\n"
        "Upload-Offset: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    answer = live.raw(head.encode() + framed, hang_up=True)
    status, error = answer[9:12], json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    there = json.loads(live.ask("GET", upload)[1])["parts"][0]["received"]
    return status, error["code"], error["details"].get("received"), there


def test_a_chunked_part_cut_short_keeps_what_arrived(live):
    framed = b"30d40\r\n" + b"a" * 200_000 + b"\r\n30d40\r\n" + b"a" * 100_000
    assert cut_short(live, framed) == (b"400", "incomplete_body", 300_000, 300_000)


@pytest.mark.parametrize(
    "wrong",
    [b"zz\r\n", b"-2\r\n", b"5\r\naaaaabb\r\n", b"0\r\n", b"0\r\nx: y\n\n\r\n\r\n", b"1;\x01\r\na\r\n"],
)
def test_malformed_chunks_are_the_senders_mistake(live, wrong):
    status, code, received, there = cut_short(live, b"5\r\naaaaa\r\n" + wrong)
    assert (status, code) == (b"400", "invalid_input")
    assert received == there
    assert 5 <= there <= 10


@pytest.mark.parametrize("wrong", [b"zz\r\n", b"5\r\naaaaabb\r\n", b"5\r\naa"])
def test_malformed_chunks_of_json_are_the_senders_mistake_too(live, wrong):
    head = (
        f"POST {live.home}/drafts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {live.key}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    answer = live.raw(head.encode() + wrong, hang_up=True)
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] in (
        "invalid_input",
        "incomplete_body",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/".join(["漢" * 80] * 6) + "/big",
        "/".join(["漢" * 80] * 16) + "/" + "漢" * 79,
        "/".join(["a" * 199] * 20),
    ],
)
def test_a_long_path_is_fetched_as_it_was_logged(live, path):
    """The longest paths, percent-encoded, have three times the bytes of what gunicorn takes by itself."""
    name = unique("long")
    _, body = live.ask("POST", f"{live.home}/drafts", {"collection": name, "type": "dataset"})
    draft = f"/api/v1/drafts/{json.loads(body)['id']}"
    response, body = live.ask("PUT", f"{draft}/manifest", b"".join(manifest_lines({path: b"x"})))
    assert response.status == 200, body
    assert live.ask("POST", f"{draft}/bundles", frames([b"x"]))[0].status == 200
    response, body = live.ask("POST", f"{draft}/commit", {})
    assert response.status == 201, body
    version = f"{live.home}/collections/{name}/versions/v0"
    response, body = live.ask("GET", f"{version}/content?path={quote(path)}")
    assert (response.status, body) == (200, b"x")
    response, body = live.ask("GET", f"{version}/entry?path={quote(path)}")
    assert (response.status, json.loads(body)["path"]) == (200, path)

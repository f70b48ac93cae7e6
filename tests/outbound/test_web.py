"""Ways around the policy of what is fetched, over real connections; the canary counts who came."""

from __future__ import annotations

import gzip
import itertools
import re
import time

import pytest

from registry.errors import ReferenceRefused, ReferenceUnreachable
from registry.outbound import connecting
from tests.outbound.conftest import place
from tests.outbound.servers import reply, to

LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0.0.1",
    "017700000001", "0177.0.0.1", "0177.0x0.0.1", "127.000.000.001", "127.0.0.1.", "１２７.０.０.１",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "0", "0.0.0.0", "00000", "127.0.0.2", "127.255.255.254", "localhost",
    "LOCALHOST", "localhost.", "ip6-localhost", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:FFFF:127.0.0.1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[::1%25lo]", "[::1%lo]", "[fe80::1%25lo]",
    "user@127.0.0.1", "user:password@127.0.0.1", "example.org@127.0.0.1", "127.0.0.1\\@example.org",
    "example.org\\@127.0.0.1", "%31%32%37.0.0.1", "127.0.0.1%00.example.org",
    "127.0.0.1%2eexample.org", "127.0.0.1\t", "127.0.0.1 ", " 127.0.0.1", "127.0.0.1\x00", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "loc\u00adalhost", "127.0.0.1.nip.io", "app.localtest.me", "metadata.google.internal",
    "six.example.org", "mapped.example.org", "mixed.example.org",
]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_spelling_of_this_machine_is_reached(host, web, policy, names, canary):
    policy(ports=frozenset({80, 443, canary.port}))
    names(
        **{"127_0_0_1_nip_io": [["127.0.0.1"]], "app_localtest_me": [["127.0.0.1"]]},
        metadata_google_internal=[["169.254.169.254"]],
        six_example_org=[["::1"]],
        mapped_example_org=[["::ffff:127.0.0.1"]],
        mixed_example_org=[["127.0.0.1", "93.184.216.34"]],
    )
    with (
        pytest.raises((ReferenceRefused, ReferenceUnreachable)),
        web.http("GET", f"http://{host}:{canary.port}/"),
    ):
        pass
    with (
        pytest.raises((ReferenceRefused, ReferenceUnreachable)),
        web.http("GET", f"http://{host}:{canary.port}#@x/"),
    ):
        pass


def test_what_is_behind_a_hash_sign_is_no_host(web, policy, names, canary):
    policy(ports=frozenset({canary.port}))
    for url in (
        f"http://127.0.0.1:{canary.port}#@example.org/",
        f"http://127.0.0.1:{canary.port}?@example.org/",
    ):
        with pytest.raises(ReferenceRefused), web.http("GET", url):
            pass


def test_the_refusal_names_no_address_of_the_inside_and_says_what_the_operator_can_set(web, names, policy):
    names(wiki_internal=[["10.20.30.40"]])
    with (
        pytest.raises(ReferenceRefused, match="STRONGROOM_OUTBOUND_PRIVATE") as refused,
        web.http("GET", "http://wiki.internal/"),
    ):
        pass
    assert "10.20" not in f"{refused.value} {refused.value.details}"
    assert refused.value.details["uri"] == "http://wiki.internal/"


def test_a_server_that_the_operator_lists_is_fetched_from(web, policy, serve):
    server = serve(lambda path: reply(200, b"some bytes", ETag='"abc"'))
    policy(private=(place("127.0.0.1", server.port),))
    with web.http("GET", f"{server.url}/a/b?c=d#e", {"Range": "bytes=0-3"}) as answer:
        assert (answer.status, answer.headers["etag"], answer.url) == (200, '"abc"', f"{server.url}/a/b?c=d")
        assert b"".join(answer.stream(3)) == b"some bytes"
    said = server.requests[0]
    assert said.startswith("GET /a/b?c=d HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n" in said
    assert "accept-encoding: identity\r\n" in said
    assert "range: bytes=0-3\r\n" in said
    assert not re.search("(?i)cookie|authorization", said)


def test_a_connection_is_kept_for_the_next_request_to_the_same_place(web, policy, serve):
    server = serve(lambda path: reply(200, b"x"))
    policy(private=(place("127.0.0.1"),), ports=frozenset({server.port}))
    for method in ("HEAD", "GET", "HEAD", "GET"):
        with web.http(method, server.url) as answer:
            assert b"".join(answer.stream(9)) == (b"x" if method == "GET" else b"")
            if method == "HEAD":
                # No server of ours: it sends the body all the same.
                break
    assert server.connections == 1


def test_a_body_that_nobody_reads_is_not_waited_for(web, policy, serve):
    server = serve(lambda path: itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"x" * 1024)))
    policy(private=(place("127.0.0.1", server.port),))
    with web.http("GET", server.url) as answer:
        assert answer.status == 200


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_again(web, policy, serve):
    server = serve(lambda path: reply(200, b"x", Connection="close"))
    server.script = lambda path: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    policy(private=(place("127.0.0.1", server.port),))
    for _ in range(3):
        with web.http("GET", server.url) as answer:
            assert b"".join(answer.stream(9)) == b"x"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "name", ["Authorization", "Cookie", "Host", "Proxy-Authorization", "X-Forwarded-For"]
)
def test_nobody_sends_a_header_that_says_who_asks(name, web, policy):
    with pytest.raises(ValueError, match="no headers"), web.http("GET", "http://example.org/", {name: "x"}):
        pass


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "TRACE", "get"])
def test_nothing_is_changed_anywhere(method, web, policy):
    with pytest.raises(ValueError, match="only GET"), web.http(method, "http://example.org/"):
        pass


# --- Names that change their mind ----------------------------------------------------------------------
def test_the_address_that_was_judged_is_the_one_connected_to(web, policy, serve, names):
    """DNS rebinding: the second answer would be this machine; there is none, for nobody asks twice."""
    server = serve(lambda path: reply(200, b"right"), host="127.0.0.2")
    other = serve(port=server.port)
    policy(private=(place("127.0.0.2", server.port),))
    asked = names(turning_example_org=[["127.0.0.2"], ["127.0.0.1"]])
    with web.http("GET", f"http://turning.example.org:{server.port}/") as answer:
        assert b"".join(answer.stream(9)) == b"right"
    assert asked == ["turning.example.org"]
    web.close()
    with pytest.raises(ReferenceRefused), web.http("GET", f"http://turning.example.org:{server.port}/"):
        pass
    assert (server.connections, other.connections) == (1, 0)


def test_of_several_addresses_every_one_is_judged_before_any_is_spoken_to(web, policy, serve, names, canary):
    server = serve(lambda path: reply(200), host="127.0.0.2")
    policy(private=(place("127.0.0.2", server.port),))
    names(both_example_org=[["127.0.0.2", "127.0.0.1"]])
    with pytest.raises(ReferenceRefused), web.http("GET", f"http://both.example.org:{server.port}/"):
        pass
    assert server.connections == 0


def test_an_address_that_does_not_answer_leaves_the_next(web, policy, serve, names):
    server = serve(lambda path: reply(200, b"x"))
    policy(private=(place("127.0.0.0/8", server.port),))
    names(two_example_org=[["127.0.0.3", "127.0.0.1"]])
    with web.http("GET", f"http://two.example.org:{server.port}/") as answer:
        assert answer.status == 200


def test_who_answers_is_judged_once_more(web, policy, serve, names, monkeypatch):
    """Something between leads the connection elsewhere: nothing is said to whom it reached."""
    server = serve(lambda path: reply(200), host="127.0.0.2")
    policy(private=(place("127.0.0.3", server.port),))
    names(led_example_org=[["127.0.0.3"]])
    real = connecting.PlainSocket.connect
    monkeypatch.setattr(
        connecting.PlainSocket, "connect", lambda self, where: real(self, ("127.0.0.2", where[1]))
    )
    with pytest.raises(ReferenceRefused), web.http("GET", f"http://led.example.org:{server.port}/"):
        pass
    assert server.requests == []


def test_a_name_without_an_address_is_not_there(web, policy, monkeypatch):
    with (
        pytest.raises(ReferenceUnreachable, match="no address for nowhere.invalid"),
        web.http("GET", "http://nowhere.invalid/"),
    ):
        pass


def test_a_resolver_that_is_silent_is_not_waited_for(web, policy, monkeypatch):
    policy(seconds=1)
    monkeypatch.setattr("socket.getaddrinfo", lambda *given, **named: time.sleep(3) or [])
    with (
        pytest.raises(ReferenceUnreachable, match="No answer to the question"),
        web.http("GET", "http://slow.example.org/"),
    ):
        pass


# --- Redirects ------------------------------------------------------------------------------------------
AWAY = [
    "http://127.0.0.1:{canary}/", "//127.0.0.1:{canary}/", "http://localhost:{canary}/x",
    "http://0x7f.1:{canary}/", "http://[::ffff:127.0.0.1]:{canary}/", "http://x@127.0.0.1:{canary}/",
    "http://inner.example.org:{canary}/", "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd", "FILE:/etc/passwd", "file://localhost/etc/passwd",
    "gopher://127.0.0.1:{canary}/_GET", "ftp://127.0.0.1:{canary}/", "dict://127.0.0.1:{canary}/",
    "data:text/plain,x", "javascript:x", "unix:/run/docker.sock", "http:\\\\127.0.0.1:{canary}/",
    "\\\\127.0.0.1:{canary}", "http://127.0.0.1:{canary}\\@x/", "h\tttp://127.0.0.1:{canary}/",
]  # fmt: skip


@pytest.mark.parametrize("location", AWAY)
@pytest.mark.parametrize("status", [301, 307])
def test_no_redirect_leads_where_nobody_may_go(location, status, web, policy, serve, names, canary):
    server = serve(lambda path: to(location.format(canary=canary.port), status) if path == "/2" else to("/2"))
    policy(private=(place("127.0.0.1", server.port),), ports=frozenset({80, 443, canary.port}))
    names(inner_example_org=[["127.0.0.1"]])
    with pytest.raises(ReferenceRefused), web.http("GET", server.url):
        pass


def test_three_redirects_are_followed_and_the_last_address_is_told(web, policy, serve):
    server = serve(lambda path: reply(200, b"x") if path == "/3" else to(str(int(path[1:]) + 1)))
    policy(private=(place("127.0.0.1", server.port),))
    with web.http("GET", f"{server.url}/0", {"If-None-Match": '"x"'}) as answer:
        assert answer.url == f"{server.url}/3"
    assert all('if-none-match: "x"' in said for said in server.requests)


def test_a_fourth_is_not(web, policy, serve):
    server = serve(lambda path: to(str(int(path[1:]) + 1)))
    policy(private=(place("127.0.0.1", server.port),))
    with pytest.raises(ReferenceUnreachable, match="more than 3 times"), web.http("GET", f"{server.url}/0"):
        pass
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_circle_is_noticed(status, web, policy, serve):
    server = serve(lambda path: to("/b" if path == "/a" else "/a", status))
    policy(private=(place("127.0.0.1", server.port),))
    with pytest.raises(ReferenceUnreachable, match="in a circle"), web.http("HEAD", f"{server.url}/a"):
        pass
    assert len(server.requests) == 2


def test_a_redirect_without_a_place_is_an_answer(web, policy, serve):
    server = serve(lambda path: reply(304))
    policy(private=(place("127.0.0.1", server.port),))
    with web.http("GET", server.url) as answer:
        assert answer.status == 304


# --- Answers that never end, or say too much ------------------------------------------------------------
def drip(begin: bytes, piece: bytes):
    """Say something for ever, too often for anybody to count as silent."""
    yield begin
    while True:
        time.sleep(0.02)
        yield piece


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def flood(begin: bytes, piece: bytes):
    """Say something for ever, as fast as it is taken."""
    return itertools.chain([begin], itertools.repeat(piece))


ENDLESS = {
    "body": (flood, OK + b"\r\n", b"x" * 65536),
    "body of a length that is none": (flood, OK + b"Content-Length: 99999999999\r\n\r\n", b"x" * 65536),
    "chunks": (flood, CHUNKED, b"1\r\nx\r\n" * 9999),
    "size of a chunk": (flood, CHUNKED + b"1;", b"x" * 65536),
    "trailers": (flood, CHUNKED + b"0\r\n", b"A: b\r\n" * 999),
    "headers": (flood, OK, b"A: b\r\n" * 999),
    "line of a header": (flood, OK + b"A: ", b"x" * 65536),
    "lines that go on": (flood, OK + b"A: b\r\n", b" x" * 999 + b"\r\n"),
    "status": (flood, b"HTTP/1.1 ", b"x" * 65536),
    "continue": (flood, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99),
    "slow body": (drip, OK + b"\r\n", b"x"),
    "slow headers": (drip, OK, b"A: b\r\n"),
    "slow line": (drip, OK + b"A: ", b"x"),
    "slow status": (drip, b"H", b"T"),
    "slow chunks": (drip, CHUNKED, b"1\r\nx\r\n"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_without_end_is_cut(kind, web, policy, serve):
    """A flood by its size, long before its time; what drips by its time."""
    how, begin, piece = ENDLESS[kind]
    server = serve(lambda path: how(begin, piece))
    policy(private=(place("127.0.0.1", server.port),), size=1024**2, seconds=1 if how is drip else 60)
    with pytest.raises(ReferenceUnreachable), web.http("GET", server.url) as answer:
        assert sum(len(piece) for piece in answer.stream(65536)) <= 1024**2
    # What was sent and lies in buffers of the system on the way counts here, too.
    assert server.sent < 12 * 1024**2


def test_a_body_of_just_the_size_that_is_allowed_is_taken(web, policy, serve):
    server = serve(lambda path: reply(200, b"x" * 1024**2))
    policy(private=(place("127.0.0.1", server.port),), size=1024**2)
    with web.http("GET", server.url) as answer:
        assert sum(len(piece) for piece in answer.stream(65536)) == 1024**2


def test_what_is_compressed_is_not_inflated(web, policy, serve):
    bomb = gzip.compress(b"\0" * 50 * 1024**2)
    server = serve(lambda path: reply(200, bomb, Content_Encoding="gzip"))
    policy(private=(place("127.0.0.1", server.port),), size=1024**2)
    with web.http("GET", server.url) as answer:
        assert b"".join(answer.stream(65536)) == bomb


NO_ANSWERS = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP of long ago": b"<html>\r\n",
    "a status that is none": b"HTTP/1.1 abc\r\n\r\n",
    "half a body": OK + b"Content-Length: 10\r\n\r\nhalf",
    "half a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhalf",
    "a chunk without a size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf",
    "a hundred headers too many": OK + b"A: b\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize("kind", NO_ANSWERS)
def test_half_an_answer_is_none(kind, web, policy, serve):
    server = serve(lambda path: iter([NO_ANSWERS[kind]]))
    policy(private=(place("127.0.0.1", server.port),), seconds=2)
    with pytest.raises(ReferenceUnreachable, match="127.0.0.1 "), web.http("GET", server.url) as answer:
        list(answer.stream(65536))


def test_a_port_where_nobody_listens_is_told(web, policy, serve):
    port = serve().port
    policy(private=(place("127.0.0.2", port),))
    with (
        pytest.raises(ReferenceUnreachable, match="takes no connection: connection refused"),
        web.http("GET", f"http://127.0.0.2:{port}/"),
    ):
        pass


# --- The operator's rules -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "rules", "why"),
    [
        ("http://example.org/", {"schemes": frozenset({"https"})}, "SCHEMES"),
        ("http://example.org:8080/", {}, "PORTS"), ("http://example.org:22/", {}, "PORTS"),
        ("http://example.org/", {"denied": (place("example.org"),)}, "DENIED"),
        ("http://a.b.example.org/", {"denied": (place("*.example.org"),)}, "DENIED"),
        ("http://93.184.216.34/", {"denied": (place("93.184.0.0/16"),)}, "DENIED"),
        ("http://public.example.org/", {"denied": (place("93.184.0.0/16"),)}, "DENIED"),
        ("http://example.com/", {"hosts": (place("example.org"), place("*.example.net"))}, "HOSTS"),
        ("http://example.net/", {"hosts": (place("*.example.net"),)}, "HOSTS"),
        ("http://evilexample.net/", {"hosts": (place("*.example.net"),)}, "HOSTS"),
        ("http://example.org/", {"hosts": (place("example.org", 8443),)}, "HOSTS"),
        ("http://public.example.org/", {"hosts": (place("93.185.0.0/16"),)}, "HOSTS"),
        ("http://inner.example.org/", {"hosts": (place("inner.example.org"),)}, "PRIVATE"),
        ("http://inner.example.org/", {"private": (place("inner.example.org", 81),)}, "PRIVATE"),
        ("http://inner.example.org/", {"private": (place("10.0.0.0/24"),)}, "PRIVATE"),
        ("http://public.example.org:9000/", {"private": (place("10.0.0.0/8", 9000),)}, "PORTS"),
        ("http://metadata.example.org/", {"private": (place("metadata.example.org"),)}, "PRIVATE"),
        ("http://[64:ff9b::a00:1]/", {"private": (place("64:ff9b::/96"),)}, "PRIVATE"),
        ("http://inner.example.org/", {"private": (place("10.0.0.0/8"),), "denied": (place("10.1.2.3"),)}, "DENIED"),
    ],
)  # fmt: skip
def test_a_rule_refuses_and_names_its_setting(url, rules, why, web, policy, names):
    policy(**rules)
    asked = names(
        inner_example_org=[["10.1.2.3"]],
        public_example_org=[["93.184.216.34"]],
        metadata_example_org=[["169.254.169.254"]],
    )
    with pytest.raises(ReferenceRefused, match=f"STRONGROOM_(OUTBOUND_)?{why}"), web.http("GET", url):
        pass
    assert (
        url.partition("//")[2].partition(".")[0] in ("inner", "public", "metadata", "93", "[64:ff9b::a00:1]/")
        or not asked
    )


@pytest.mark.parametrize(
    "rules",
    [
        {"private": (place("inner.example.org", 0),)},
        {"private": (place("*.example.org", 0),)},
        {"private": (place("127.0.0.1", 0),)},
        {"private": (place("127.0.0.0/8", 0),)},
        {"private": (place("127.0.0.1"),), "ports": 0},
        {"private": (place("127.0.0.1", 0),), "hosts": (place("inner.example.org", 0),)},
        {"private": (place("inner.example.org", 0),), "hosts": (place("other.example.org"),)},
    ],
)  # fmt: skip
def test_a_rule_lets_in(rules, web, policy, serve, names):
    server = serve(lambda path: reply(200))

    def filled(value):
        if value == 0:
            return frozenset({server.port})
        return tuple(
            place(each.name or str(each.network), server.port if each.port == 0 else None) for each in value
        )

    policy(**{name: filled(value) for name, value in rules.items()})
    names(inner_example_org=[["127.0.0.1"]])
    with web.http("GET", f"http://inner.example.org:{server.port}/") as answer:
        assert answer.status == 200


def test_no_proxy_of_the_environment_is_used(web, policy, serve, monkeypatch, canary):
    server = serve(lambda path: reply(200))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    policy(private=(place("127.0.0.1", server.port),))
    with web.http("GET", server.url) as answer:
        assert answer.status == 200

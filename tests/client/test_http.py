"""One place maps answers to results and errors, and knows what to try again."""

from __future__ import annotations

import gc
import json
import socket
import threading

import pytest
from strongroom._http import Session, route
from strongroom.core import errors
from strongroom.errors import BadAnswer, Offline, Unreachable
from strongroom.settings import Settings

from tests.client.conftest import session_to
from tests.client.scripted import Answer, an_error, as_json

pytestmark = pytest.mark.usefixtures("fast_retries")


def test_every_error_of_the_tree_comes_back_as_itself(scripted):
    for code, kind in errors.by_code().items():
        server = scripted(lambda request, code=code, kind=kind: an_error(kind.status, code, "Because.", n=1))
        with pytest.raises(kind, match="Because") as caught:
            session_to(server).once("GET", "/x")
        assert caught.value.code == code
        assert caught.value.details == {"n": 1}


def test_a_kind_of_the_command_line_never_stands_for_what_the_server_says(scripted):
    from strongroom.cli.usage import UsageError

    server = scripted(lambda request: an_error(400, UsageError.code, "Because."))
    with pytest.raises(errors.InvalidInput, match="Because") as caught:
        session_to(server).once("GET", "/x")
    assert type(caught.value) is errors.InvalidInput


def test_an_unknown_code_is_judged_by_its_status(scripted):
    server = scripted(lambda request: an_error(404, "brand_new"))
    with pytest.raises(errors.NotFound):
        session_to(server).once("GET", "/x")


@pytest.mark.parametrize("details", [["a", "list"], "text", 7, None])
def test_details_that_are_no_object_do_no_harm(scripted, details):
    body = {"error": {"code": "not_found", "message": "No.", "details": details}}
    server = scripted(lambda request: as_json(body, 404))
    with pytest.raises(errors.NotFound) as caught:
        session_to(server).once("GET", "/x")
    assert caught.value.details == {}


def test_details_named_like_arguments_do_no_harm(scripted):
    body = {"error": {"code": "conflict", "message": "No.", "details": {"message": "other", "self": "mine"}}}
    server = scripted(lambda request: as_json(body, 409))
    with pytest.raises(errors.Conflict, match="No"):
        session_to(server).once("GET", "/x")


def test_an_error_without_a_body_is_still_an_error(scripted):
    server = scripted(lambda request: Answer(b"<html>nginx</html>", 403))
    with pytest.raises(errors.Forbidden, match="403"):
        session_to(server).once("GET", "/x")


def test_a_redirect_is_not_followed_with_the_key(scripted):
    other = scripted(lambda request: as_json({}))
    server = scripted(lambda request: Answer(status=302, headers={"Location": other.url}))
    with pytest.raises(BadAnswer, match="STRONGROOM_BASE_URL"):
        session_to(server).once("GET", "/x")
    assert not other.requests


@pytest.mark.parametrize("body", [b"<html>", b'{"a": ', b"[" * 200_000])
def test_an_answer_that_is_no_json_is_refused(scripted, body):
    server = scripted(lambda request: Answer(body))
    with pytest.raises(BadAnswer):
        session_to(server).json("GET", "/x")


def test_an_endless_answer_is_cut_off(scripted, monkeypatch):
    monkeypatch.setattr("strongroom._http.MAX_JSON", 1000)
    server = scripted(lambda request: as_json("x" * 5000))
    with pytest.raises(BadAnswer, match="too long"):
        session_to(server).json("GET", "/x")


def test_the_key_is_sent_as_bearer(scripted):
    server = scripted(lambda request: as_json({"ok": True}))
    assert session_to(server).json("GET", "/me") == {"ok": True}
    assert server.requests[0].headers["Authorization"] == "Bearer a-key"
    assert server.requests[0].path == "/api/v1/me"


def test_without_a_key_nothing_is_asked(scripted):
    server = scripted(lambda request: as_json({}))
    with pytest.raises(errors.NotAuthenticated, match="strongroom login"):
        Session(Settings(base_url=server.url)).json("GET", "/me")
    assert not server.requests


def test_a_key_with_a_line_break_cannot_add_a_header(scripted):
    server = scripted(lambda request: as_json({}))
    with pytest.raises(errors.NotAuthenticated, match="characters"):
        Session(Settings(base_url=server.url, api_key="a\r\nX-Evil: 1")).json("GET", "/me")
    assert not server.requests


def test_offline_nothing_is_asked():
    with pytest.raises(RuntimeError, match="STRONGROOM_MODE"):
        Session(Settings(api_key="a", offline=True)).json("GET", "/me")
    assert issubclass(Offline, RuntimeError)


def test_a_passing_failure_is_tried_again(scripted):
    left = [an_error(503, "unavailable"), an_error(429, "rate_limited"), Answer(b"", 502)]
    server = scripted(lambda request: left.pop(0) if left else as_json({"n": 1}))
    assert session_to(server).json("POST", "/x", {"a": 1}) == {"n": 1}
    assert [json.loads(request.body) for request in server.requests] == [{"a": 1}] * 4


@pytest.mark.parametrize(
    ("status", "code"), [(400, "invalid_input"), (404, "not_found"), (507, "storage_full"), (500, "damaged")]
)
def test_a_lasting_failure_is_not_tried_again(scripted, status, code):
    server = scripted(lambda request: an_error(status, code))
    with pytest.raises(errors.StrongroomError):
        session_to(server).json("GET", "/x")
    assert len(server.requests) == 1


def test_an_internal_error_is_tried_three_times(scripted):
    server = scripted(lambda request: an_error(500, "internal_error"))
    with pytest.raises(errors.InternalError):
        session_to(server).json("GET", "/x")
    assert len(server.requests) == 3


def test_an_answer_that_breaks_off_is_asked_for_again(scripted):
    left = [Answer(b"[1, 2, 3]", cut=4)]
    server = scripted(lambda request: left.pop() if left else as_json([1, 2, 3]))
    assert session_to(server).json("GET", "/x") == [1, 2, 3]


def test_a_request_can_give_up_on_a_silent_server_early(scripted):
    answered = threading.Event()

    def wait(_):
        answered.wait(60)
        return as_json({})

    server = scripted(wait)
    with pytest.raises(Unreachable):
        session_to(server).once("POST", "/runs/r/heartbeat", timeout=0.1)
    answered.set()


def test_no_server_says_where_none_is(monkeypatch):
    monkeypatch.setattr("strongroom._retry.LIMIT_BEFORE_CONTACT", 0.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"No Strongroom server answers at {url}"):
            Session(Settings(base_url=url, api_key="a")).json("GET", "/me")


def test_pages_are_followed_to_the_last(scripted):
    pages = {None: {"results": [1, 2], "next": "b"}, "b": {"results": [3], "next": None}}
    server = scripted(lambda request: as_json(pages[request.query.get("cursor")]))
    assert list(session_to(server).pages("/things", order="name")) == [1, 2, 3]
    assert server.requests[1].query["order"] == "name"


def test_a_list_that_never_ends_is_left(scripted):
    server = scripted(lambda request: as_json({"results": [1], "next": "same"}))
    with pytest.raises(BadAnswer, match="again and again"):
        list(session_to(server).pages("/things"))


def test_connections_are_kept_alive(scripted):
    server = scripted(lambda request: as_json({"n": 1}))
    session = session_to(server)
    for _ in range(5):
        session.json("GET", "/x")
    assert session._pool.num_connections == 1


def test_a_session_that_is_forgotten_leaves_no_connection_open(scripted):
    """Nobody has to close one: its pool ends with it."""
    session = session_to(scripted(lambda request: as_json({"n": 1})))
    session.json("GET", "/x")
    (kept,) = (connection for connection in session._pool.pool.queue if connection is not None)
    assert kept.sock is not None
    del session
    gc.collect()
    assert kept.sock is None


def test_an_answer_that_is_left_half_read_closes_its_connection(scripted):
    session = session_to(scripted(lambda request: Answer(b"0" * (32 << 20))))
    with session.stream("GET", "/x") as response:
        response.read(1)
        used = response._connection.sock
    assert used.fileno() == -1


def test_route_quotes_what_would_change_it():
    assert route("projects", "a/b", "c?d", "e#f", "..") == "/projects/a%2Fb/c%3Fd/e%23f/%2E%2E"

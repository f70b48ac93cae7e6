"""How often a host is asked, by all workers together."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisConnectionError

from registry.outbound import Resting, pacing, slot
from tests.outbound.conftest import place
from tests.outbound.servers import reply


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on only when somebody waits."""
    now = [1_800_000_000.0]
    monkeypatch.setattr(pacing.time, "time", lambda: now[0])
    monkeypatch.setattr(pacing.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(pacing.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def in_threads(count: int, work) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_more_than_so_many_hold_a_host_at_once(policy):
    policy(at_once=2, rate=1000)
    lock, held, most = threading.Lock(), [0], [0]

    def work() -> None:
        with slot("example.org"):
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
            time.sleep(0.02)
            with lock:
                held[0] -= 1

    in_threads(8, work)
    assert most[0] == 2


def test_hosts_do_not_wait_for_one_another(policy):
    policy(at_once=1)
    with slot("a.example.org"), slot("b.example.org"):
        pass


def test_who_holds_a_place_gets_no_second(policy):
    policy(at_once=1)
    with slot("example.org"), slot("example.org"):
        pass


def test_a_place_that_stays_taken_is_told(policy, clock):
    policy(at_once=1)
    cache.add(pacing._key("example.org", "place:0"), "somebody", 10_000)
    with pytest.raises(Resting, match="as many requests as are allowed") as told, slot("example.org"):
        pass
    assert told.value.code == "reference_unreachable"
    assert told.value.details["retry_after"] == 60


def test_a_place_comes_free_when_its_holder_was_killed(policy):
    policy(at_once=1)
    cache.add(pacing._key("example.org", "place:0"), "killed", 1)
    with slot("example.org"):
        pass


def test_a_place_that_was_lost_meanwhile_is_not_taken_from_the_next(policy):
    policy(at_once=1)
    key = pacing._key("example.org", "place:0")
    with slot("example.org"):
        cache.set(key, "another", 100)
    assert cache.get(key) == "another"


def test_no_more_than_so_many_begin_in_a_second(policy, clock):
    policy(rate=3)
    begun = []
    for _ in range(9):
        with slot("example.org"):
            begun.append(int(clock[0]))
    assert [begun.count(second) for second in sorted(set(begun))] == [3, 3, 3]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("", 0),
        (" 7 ", 7),
        ("999999999999", 3600),
        ("soon", 60),
        ("-5", 60),
        ("٣", 60),
        ("1.5", 60),
    ],
)
def test_what_a_host_asks_is_remembered_within_bounds(said, seconds, policy, clock):
    pacing.rest("example.org", said)
    assert pacing.rest_of("example.org") == seconds
    assert pacing.rest_of("example.com") == 0


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90), (-90, 0), (10**7, 3600)])
def test_a_date_is_a_time_to_wait_until(ahead, seconds, policy, clock):
    until = datetime.fromtimestamp(clock[0], UTC) + timedelta(seconds=ahead)
    pacing.rest("example.org", format_datetime(until, usegmt=True))
    assert pacing.rest_of("example.org") == seconds


def test_a_host_that_rests_long_is_not_waited_for(policy, clock):
    pacing.rest("example.org", "300")
    with pytest.raises(Resting, match="for 300 seconds") as told, slot("example.org"):
        pass
    assert told.value.details["retry_after"] == 300


def test_a_short_rest_is_waited_for(policy, clock):
    begun = clock[0]
    pacing.rest("example.org", "5")
    with slot("example.org"):
        assert clock[0] > begun + 4.9


@pytest.mark.parametrize("status", [429, 503])
def test_an_answer_that_asks_for_rest_is_handed_on_and_remembered(status, web, policy, serve):
    server = serve(lambda path: reply(status, Retry_After="300"))
    policy(private=(place("127.0.0.1", server.port),))
    with web.http("HEAD", server.url) as answer:
        assert answer.status == status
    with pytest.raises(Resting), web.http("HEAD", server.url):
        pass
    assert len(server.requests) == 1


def test_a_place_is_held_until_the_body_is_read_and_free_after_an_error(web, policy, serve):
    server = serve(lambda path: reply(200, b"x"))
    policy(private=(place("127.0.0.1", server.port),), at_once=1)
    key = pacing._key("127.0.0.1", "place:0")
    with web.http("GET", server.url) as answer:
        assert cache.get(key)
        list(answer.stream(9))
        assert cache.get(key)
    assert cache.get(key) is None
    server.script = lambda path: iter([b"no HTTP\r\n"])
    web.close()
    with pytest.raises(pacing.ReferenceUnreachable), web.http("GET", server.url):
        pass
    assert cache.get(key) is None


def test_without_its_cache_a_host_is_asked_all_the_same(policy, monkeypatch):
    def broken(*given: object) -> None:
        raise RedisConnectionError("no Redis")

    for name in ("add", "get", "set", "delete", "incr"):
        monkeypatch.setattr(cache, name, broken, raising=False)
    pacing.rest("example.org", "300")
    with slot("example.org"):
        pass


def test_with_redis_it_is_the_same(policy, settings, redis_server):
    """As on an installation: the cache is a Redis that all workers share."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis_server.replace("redis+socket://", "unix://"),
        }
    }
    policy(at_once=2, rate=1000)
    with ExitStack() as stack:
        stack.enter_context(slot("a"))
        keys = [pacing._key("a", f"place:{number}") for number in range(2)]
        assert [bool(cache.get(key)) for key in keys] == [True, False]
    assert cache.get_many(keys) == {}
    pacing.rest("a", "300")
    assert 299 <= pacing.rest_of("a") <= 300
    with pytest.raises(Resting), slot("a"):
        pass
    cache.close()

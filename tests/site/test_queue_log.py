"""The embedded queue starts again whatever a power cut made of its log."""

from __future__ import annotations

import os
import time

import pytest
import redis as client

from artifacts_site.services import redis, redis_program

LINES = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"


@pytest.fixture
def service(tmp_path):
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    made = redis(redis_program(), tmp_path / "s", tmp_path, dict(os.environ), lock)
    yield made
    made.kill()
    os.close(lock)


def starts(service) -> bool:
    """Start it as the supervisor does, and tell whether it stays."""
    service.start()
    until = time.monotonic() + 20
    while service.process.poll() is None and time.monotonic() < until:
        try:
            if client.Redis(unix_socket_path=str(service.output.with_name("s"))).ping():
                return True
        except client.RedisError:
            time.sleep(0.02)
    service.ended()
    return False


def value(service) -> bytes | None:
    return client.Redis(unix_socket_path=str(service.output.with_name("s"))).get("a")


@pytest.mark.parametrize("end", [b"", b"*3\r\n$3\r\nSET\r\n$1\r\na"])
def test_a_log_that_is_whole_or_cut_short_is_read_as_it_is(service, tmp_path, end):
    (tmp_path / "appendonly.aof").write_bytes(LINES + end)
    assert starts(service)
    assert value(service) == b"1"


def test_zeros_at_its_end_are_cut_off(service, tmp_path):
    (tmp_path / "appendonly.aof").write_bytes(LINES + bytes(300))
    assert not starts(service)
    assert starts(service)
    assert value(service) == b"1"


# A command that there is not, which the checker takes; the end of a snapshot is missing, on which Redis crashes.
@pytest.mark.parametrize("log", [LINES + b"*1\r\n$6\r\nNOSUCH\r\n", b"REDIS0009\xfa" + bytes(30)])
def test_a_log_that_nothing_mends_is_put_aside(service, tmp_path, log):
    (tmp_path / "appendonly.aof").write_bytes(log)
    assert [starts(service), starts(service)] == [False, False]
    assert starts(service)
    assert value(service) is None
    assert len(list(tmp_path.glob("appendonly.aof.damaged-*"))) == 1


def test_one_that_was_killed_keeps_its_log(service, tmp_path):
    (tmp_path / "appendonly.aof").write_bytes(LINES)
    for _ in range(3):
        assert starts(service)
        service.process.kill()
        service.process.wait()
        assert service.ended() == -9
    assert starts(service)
    assert value(service) == b"1"
    assert service.gave_up == 0

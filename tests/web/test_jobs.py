"""The page of background work says what runs the queue."""

from __future__ import annotations

import pytest
from redis.exceptions import ConnectionError as RedisGone

from registry import jobs, queue
from registry.web import outcomes

pytestmark = pytest.mark.django_db


class Answering:
    """A connection to a server that tells of itself."""

    def __init__(self, told):
        self.told = told

    def info(self, section):
        if self.told is None:
            raise RedisGone("Connection refused.")
        return self.told


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            {"redis_version": "7.0.15", "executable": "/usr/bin/redis-server"},
            ["Redis 7.0.15", "/usr/bin/redis-server"],
        ),
        ({"redis_version": "7.2.4", "valkey_version": "8.0.1"}, ["Valkey 8.0.1"]),
        (None, ["The queue does not answer."]),
    ],
)
def test_the_admin_sees_which_server_runs_the_queue(as_user, people, monkeypatch, settings, told, said):
    settings.REDIS_URL = "rediss://:secret-word@queue.example:6380/1"
    monkeypatch.setattr(queue, "client", lambda: Answering(told))
    page = as_user(people.root).get("/background-work").content.decode()
    for words in said:
        assert words in page
    assert ("queue.example:6380" in page) is (told is not None)
    assert "secret-word" not in page


def test_a_run_is_told_in_words_without_what_it_did_not_find(as_user, people):
    with jobs.track("garbage.collect") as counts:
        counts |= {
            "manifests": 0,
            "blobs": 1,
            "bytes": 1500,
            "doomed": 2,
            "doomed_bytes": 9,
            "is_out_of_time": 1,
        }
    page = as_user(people.root).get("/background-work").content.decode()
    assert "1 unused file, 1.50 kB, 2 objects to be deleted next, goes on in another task" in page
    assert "doomed_bytes" not in page


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, ""),
        ({"versions": 0, "bytes": 0}, "0 versions"),
        ({"held": 1}, "held: the clock is not believed"),
        ({"new_thing": 3}, "3 new thing"),
    ],
)
def test_nothing_is_told_too(counts, said):
    assert outcomes.told(counts) == said

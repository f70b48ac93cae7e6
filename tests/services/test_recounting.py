"""Counting stored bytes on demand: at once, or by a worker that says how far it is."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisGone

from registry import queue
from registry.errors import Forbidden
from registry.models import StorageCount
from registry.schedule import COUNT
from registry.services import recounting, survey
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(queue, "send", lambda *words: told.append(words))
    return told


@pytest.fixture
def entity(people, project, monkeypatch):
    cache.clear()
    make.log(people.bob, project, files={"a": b"123"})
    make.log(people.bob, project, files={"a": b"45"})
    monkeypatch.setattr(survey, "_TOLD_EVERY", 1)
    monkeypatch.setattr(recounting, "_TOLD_SECONDS", 0)
    return people.team.entity


@pytest.fixture
def alice(people):
    return make.actor(people.alice)


def test_what_takes_a_moment_is_counted_at_once(alice, entity, sent):
    counted = recounting.begin(alice, entity=entity)
    assert counted is not None
    assert counted.stored == 5
    assert sent == []
    assert recounting.progress(alice, entity=entity) is None


def test_what_takes_longer_is_counted_by_a_worker_that_tells_how_far_it_is(alice, entity, sent, monkeypatch):
    monkeypatch.setattr(survey, "NODES", 1)
    assert recounting.begin(alice, entity=entity) is None
    assert sent == [(COUNT, str(entity.pk))]
    assert recounting.progress(alice, entity=entity) == 0
    # Asked for again while it is under way, it is not counted twice.
    assert recounting.begin(alice, entity=entity) is None
    assert len(sent) == 1
    seen = []
    keep = survey._keep

    def kept(*given):
        seen.append(recounting.progress(alice, entity=entity))
        return keep(*given)

    monkeypatch.setattr(survey, "_keep", kept)
    assert recounting.work(entity.pk) == 2
    assert seen == [99]
    assert recounting.progress(alice, entity=entity) is None
    assert StorageCount.objects.get(entity=entity).stored == 5


def test_a_count_that_fails_or_can_not_be_asked_for_is_not_under_way(alice, entity, monkeypatch):
    monkeypatch.setattr(survey, "NODES", 1)

    def gone(*words):
        raise RedisGone("Connection refused.")

    with monkeypatch.context() as broken:
        broken.setattr(queue, "send", gone)
        with pytest.raises(RedisGone):
            recounting.begin(alice, entity=entity)
    assert recounting.progress(alice, entity=entity) is None
    with monkeypatch.context() as broken:
        broken.setattr(survey, "_keep", gone)
        cache.set(f"storage:counting:{entity.pk}", 3)
        with pytest.raises(RedisGone):
            recounting.work(entity.pk)
    assert recounting.progress(alice, entity=entity) is None
    assert recounting.work(10**9) == 0


def test_who_may_not_set_policies_counts_nothing(people, entity):
    with pytest.raises(Forbidden):
        recounting.begin(make.actor(people.bob), entity=entity)


def test_a_queue_that_does_not_answer_is_told_as_such(settings, tmp_path):
    settings.REDIS_URL = f"redis+socket://{tmp_path}/none"
    with pytest.raises(RedisGone):
        queue.send(COUNT, "1")

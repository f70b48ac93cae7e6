"""The tasks and how they are limited; the queue itself is real."""

from __future__ import annotations

import ast
import inspect

import pytest
from django.test import Client

from celery_worker.tasks import app
from registry import queue, schedule
from registry.models import JobRun

OURS = [name for name in app.tasks if not name.startswith("celery.")]


def test_every_periodic_task_is_there_and_has_a_limit():
    assert set(OURS) >= {each.task for each in schedule.PERIODIC}
    assert app.conf.task_time_limit < app.conf.broker_transport_options["visibility_timeout"]
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.accept_content == ["json"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_task_is_five_lines_at_most(name):
    [function] = ast.parse(inspect.getsource(app.tasks[name].run)).body
    statements = function.body[1:]
    assert statements[-1].end_lineno - statements[0].lineno < 5


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(each.task for each in schedule.PERIODIC))
def test_a_task_runs_twice_with_nothing_to_do(name):
    for _ in range(2):
        app.tasks[name]()
    runs = JobRun.objects.filter(task=name)
    assert [run.state for run in runs] == ["done", "done"]
    if name != "statistics.refresh":  # which has always something to measure
        assert [set(run.counts.values()) for run in runs] == [{0}, {0}]


def test_a_task_that_is_sent_lies_in_the_queue_as_json(redis_server):
    with app.connection_for_write(redis_server) as connection:
        app.signature("trash.purge_due").apply_async(connection=connection)
    [message] = queue.client().lrange("celery", 0, -1)
    assert b'"content-type": "application/json"' in message
    assert b"trash.purge_due" in message


@pytest.mark.django_db
def test_health_says_which_part_is_down(redis_server):
    answer = Client().get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "web": "up", "database": "up", "queue": "up", "worker": "down"}
    queue.leave_sign()
    answer = Client().get("/healthz")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert answer.json()["status"] == "up"


@pytest.mark.django_db
def test_health_without_a_queue_is_an_answer_too(settings, tmp_path):
    settings.REDIS_URL = f"redis+socket://{tmp_path}/nothing.sock"
    queue.client.cache_clear()
    try:
        answer = Client().get("/healthz")
    finally:
        queue.client.cache_clear()
    assert answer.status_code == 503
    assert answer.json()["queue"] == answer.json()["worker"] == "down"
    assert answer.json()["database"] == "up"


@pytest.mark.django_db
def test_health_is_read_only():
    assert Client().post("/healthz").status_code == 405


def test_the_sign_of_a_worker_of_another_run_does_not_count(redis_server, settings):
    settings.RUN = "one"
    queue.leave_sign()
    assert queue.worker_is_alive()
    settings.RUN = "two"
    assert not queue.worker_is_alive()

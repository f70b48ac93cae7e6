"""The page of collection: counting, starting, watching, stopping."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from registry import jobs, queue
from registry.models import JobRun
from registry.schedule import COLLECT, PREVIEW_COLLECTION

pytestmark = pytest.mark.django_db
PAGE = "/installation/collection"


@pytest.fixture
def root(as_user, people):
    return as_user(people.root)


def test_before_anything_ran_it_says_what_to_do(root):
    text = root.get(PAGE).content.decode()
    assert "No round yet" in text
    assert "Nobody has counted yet" in text


@pytest.mark.parametrize(("act", "task"), [("collect", COLLECT), ("preview", PREVIEW_COLLECTION)])
def test_a_worker_is_asked(root, monkeypatch, act, task):
    asked = []
    monkeypatch.setattr(queue, "send", asked.append)
    assert root.post(PAGE, {"act": act}).status_code == 302
    assert asked == [task]


def test_a_round_is_watched_and_stopped(root):
    run = JobRun.objects.create(task=COLLECT, started_at=jobs.timezone.now(), counts={"bytes": 2048})
    text = root.get(PAGE).content.decode()
    assert "2.05 kB" in text
    assert "every 2s" in text
    assert "Collect now" not in text
    piece = root.get(PAGE, HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in piece
    assert root.post(PAGE, {"act": "stop"}).status_code == 302
    assert cache.get("collecting:stop")
    JobRun.objects.filter(pk=run.pk).update(state="done", finished_at=run.started_at)
    assert "every 2s" not in root.get(PAGE).content.decode()


def test_what_failed_says_why(root):
    at = jobs.timezone.now()
    JobRun.objects.create(
        task=COLLECT, started_at=at, finished_at=at, state="failed", error="Nothing was given back in acme"
    )
    assert "Nothing was given back in acme" in root.get(PAGE).content.decode()


def test_an_act_that_is_none_is_refused(root):
    assert root.post(PAGE, {"act": "burn"}).status_code == 400


def test_what_the_storage_did_not_delete_is_said(root):
    at = jobs.timezone.now()
    JobRun.objects.create(task=COLLECT, started_at=at, finished_at=at, state="done", counts={"undeleted": 3})
    assert "The storage did not delete 3 objects" in root.get(PAGE).content.decode()
    assert "3 objects that the storage did not delete" in root.get("/background-work").content.decode()

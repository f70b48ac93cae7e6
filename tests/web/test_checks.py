"""Checks of the store on pages: a warning for admins alone, and what was found on the page of background work."""

from __future__ import annotations

import pytest

from registry import queue
from registry.actor import system
from registry.models import Blob, Collection
from registry.services import alarms, fsck
from tests import factories as make
from tests.services.test_fsck import own_store  # noqa: F401  # fixtures
from tests.web.test_jobs import Answering

pytestmark = pytest.mark.django_db
WARNING = "A check found that something stored is missing or wrong."


@pytest.fixture(autouse=True)
def _queue(monkeypatch):
    monkeypatch.setattr(queue, "client", lambda: Answering(None))


@pytest.fixture
def wrong(people):
    held = make.log(people.bob, make.project(people), files={"lost": b"1", "kept": b"2"})
    Blob.objects.order_by("pk").first().delete()
    fsck.start(system("command"), fsck.Options(read_data=True))
    return held


def text(client, path):
    return client.get(path).content.decode()


def test_admins_alone_are_warned_on_every_page(as_user, people, wrong):
    assert WARNING in text(as_user(people.root), "/")
    assert WARNING in text(as_user(people.root), "/installation/people")
    assert WARNING not in text(as_user(people.alice), "/")


def test_the_page_of_background_work_says_what_is_wrong_and_where(as_user, people, wrong):
    page = text(as_user(people.root), "/background-work")
    assert "A manifest names a content that has no row" in page
    assert wrong.qualified_name in page
    assert "fsck --repair --dry-run" in page


def test_a_warning_is_gone_when_it_was_noted(as_user, people, wrong):
    client = as_user(people.root)
    answer = client.post("/background-work/noted", follow=True)
    assert answer.redirect_chain[-1][0] == "/background-work"
    assert WARNING not in text(client, "/")
    assert as_user(people.alice).post("/background-work/noted").status_code == 403


def test_damage_that_a_read_found_is_warned_of(as_user, people):
    make.log(people.bob, make.project(people), files={"a": b"1"})
    from registry import storage

    storage.mark_damaged(Blob.objects.select_related("object").get())
    assert "Some of what is stored is damaged." in text(as_user(people.root), "/")


def test_before_anything_was_checked_the_page_says_how(as_user, people):
    page = text(as_user(people.root), "/background-work")
    assert "Nothing was checked yet." in page


def test_runs_are_listed_with_what_they_came_to(as_user, people):
    held = make.log(people.bob, make.project(people), files={"a": b"1"})
    fsck.start(system("command"), fsck.Options(part=1, parts=3))
    Collection.objects.filter(pk=held.collection_id).update(version_count=0)
    fsck.start(system("command"), fsck.Options(repair=True))
    page = text(as_user(people.root), "/background-work")
    assert "Part 1 of 3" in page
    assert "All is right" in page
    assert "Mended" in page
    assert alarms.current(make.actor(people.root)) is None

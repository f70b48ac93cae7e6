"""Work by the clock: one row that fails stops no other, and the run says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from celery_worker import tasks
from registry.errors import InternalError
from registry.models import JobRun, Version
from registry.services import accounts, drafts, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


class Broken(Exception):
    """What nobody foresaw."""


def breaks_at(monkeypatch, module, name: str, wrong: int) -> None:
    """Let one of the calls fail, by its number."""
    act, calls = getattr(module, name), []

    def call(*args, **kwargs):
        calls.append(args)
        if len(calls) == wrong:
            raise Broken("this row is odd")
        return act(*args, **kwargs)

    monkeypatch.setattr(module, name, call)


def log(people, project, count: int, **more) -> list:
    return [
        make.log(people.bob, project, files={}, references={"x": f"s3://b/{number}"}, **more)
        for number in range(count)
    ]


def test_a_version_that_is_not_purged_stops_no_other(people, project, bob, monkeypatch):
    for member in log(people, project, 3):
        versions.delete(bob, membership=member, delete_aliases=True)
    at = timezone.now() + timedelta(days=8)
    breaks_at(monkeypatch, trash, "_purge", 1)
    with pytest.raises(InternalError, match="1 of 3"):
        trash.purge_due(at=at)
    assert Version.objects.exclude(purged_at=None).count() == 2
    assert trash.purge_due(at=at) == 1


def test_a_draft_that_is_not_cleaned_up_stops_no_other(project, bob, monkeypatch, settings):
    for number in range(3):
        drafts.begin(bob, project=project, collection=f"c{number}", type="model")
    at = timezone.now() + timedelta(hours=settings.DRAFT_HOURS + 1)
    breaks_at(monkeypatch, drafts, "discard", 1)
    with pytest.raises(InternalError, match="1 of 3"):
        drafts.abandon_stale(at=at)
    assert Version.objects.count() == 1
    assert drafts.abandon_stale(at=at) == 1


def test_the_run_is_shown_as_failed(people, project, bob, monkeypatch):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    Version.objects.update(updated_at=timezone.now() - timedelta(days=365))
    breaks_at(monkeypatch, drafts, "discard", 1)
    with pytest.raises(InternalError):
        tasks.abandon_stale()
    run = JobRun.objects.get()
    assert (run.state, "this row is odd" in run.error) == ("failed", True)


def test_a_draft_somebody_went_on_with_is_judged_again_under_the_lock(project, bob, settings):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    before = timezone.now() - timedelta(hours=settings.DRAFT_HOURS)
    assert not drafts.discard(draft, before)
    assert drafts.discard(draft)


def test_drafts_that_made_nothing_new_are_forgotten_after_their_time(people, project, bob, settings):
    kept = make.log(people.bob, project, files={"a": b"1"}, client_id="first")
    make.log(people.bob, project, files={"a": b"1"}, client_id="again")
    versions.delete(bob, membership=make.log(people.bob, project, "other"), delete_aliases=True)
    assert drafts.abandon_stale() == 0
    assert Version.objects.count() == 3
    assert drafts.abandon_stale(timezone.now() + timedelta(hours=settings.DRAFT_HOURS + 1)) == 1
    assert Version.objects.count() == 2
    assert Version.objects.filter(pk=kept.version_id).exists()


def test_expired_sessions_are_forgotten():
    for key, days in (("old", -1), ("new", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days)
        )
    assert accounts.forget_sessions() == 1
    assert Session.objects.get().session_key == "new"

"""A large version from what is there now is made by a worker: once, whole, or with a reason why not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Conflict, PreviewChanged
from registry.models import Membership, Resolution, Version
from registry.services import (
    drafts,
    files,
    leases,
    references,
    relogging,
    renewals,
    resolving,
    teams,
    versions,
)
from registry.services.commits import Committed
from tests import factories as make
from tests.support.drifting import drifted, find

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found = []
    monkeypatch.setattr(references, "_send", found.append)
    monkeypatch.setattr(renewals, "MOST_REPLACED", 5)
    return found


@pytest.fixture
def made(people, project):
    return drifted(people.bob, project, many=10)


def entries(who, membership) -> dict[str, tuple]:
    return {entry.path: (entry.digest, entry.size, entry.extra) for entry in files.entries(who, membership)}


def newest(made: Membership) -> Membership:
    return Membership.objects.filter(collection=made.collection).order_by("-number")[0]


def test_a_small_one_is_made_at_once(people, project, bob, sent):
    done = renewals.ask(bob, membership=drifted(people.bob, project, many=2))
    assert isinstance(done, Committed)
    assert done.created
    assert sent == []


def test_a_large_one_waits_for_a_worker_and_is_the_same(bob, made, sent, django_capture_on_commit_callbacks):
    made.version.description, made.version.metadata = "A card.", {"a": 1}
    made.version.save()
    with django_capture_on_commit_callbacks(execute=True):
        draft = renewals.ask(bob, membership=made, mark=relogging.plan(bob, membership=made).mark)
    assert isinstance(draft, Version)
    assert sent == [draft.pk]
    assert references.outlook(bob, draft=draft).state == "committing"
    assert newest(made) == made
    resolving.work(draft.pk)
    new = newest(made)
    assert (new.version_id, new.number) == (draft.pk, 1)
    assert (new.version.description, new.version.metadata) == ("A card.", {"a": 1})
    assert new.held_aliases() == ["latest"]
    found = entries(bob, new)
    assert set(found) == {*(f"changed/{n:03}.png" for n in range(10)), "ok.png", "unreachable.png", "plain"}
    assert found["changed/003.png"] == ("another", 1200, {"etag": '"another"'})
    assert found["ok.png"][0] == "recorded"
    assert not Resolution.objects.exists()


def test_asking_again_while_it_waits_is_the_same_draft(people, bob, made):
    first, second = (renewals.ask(bob, membership=made) for _ in range(2))
    assert first == second
    other = renewals.ask(make.actor(people.alice), membership=made)
    assert other != first
    for draft in (first, other):
        resolving.work(draft.pk)
    assert newest(made).number == 1
    assert references.outlook(bob, draft=Version.objects.get(pk=first.pk)).state == "committed"


def test_another_look_meanwhile_is_a_reason_and_not_a_version(bob, made):
    draft = renewals.ask(bob, membership=made)
    find(made, timezone.now() + timedelta(minutes=1))
    resolving.work(draft.pk)
    look = references.outlook(bob, draft=draft)
    assert (look.state, look.resolution.code) == ("failed", "preview_changed")
    assert "checked again" in look.resolution.why
    references.give_up(bob, draft=draft)
    assert newest(made) == made
    with pytest.raises(PreviewChanged):
        relogging.log(bob, membership=made, mark="2020-01-01T00:00:00Z")


def test_a_look_that_begins_while_it_is_made_is_a_reason(bob, made, monkeypatch):
    draft, real = renewals.ask(bob, membership=made), relogging.manifests.prepare

    def prepare(scope, found):
        done = real(scope, found)
        find(made, timezone.now() + timedelta(minutes=1))
        return done

    monkeypatch.setattr(relogging.manifests, "prepare", prepare)
    resolving.work(draft.pk)
    assert Resolution.objects.get().code == "preview_changed"
    assert newest(made) == made


def test_a_worker_that_was_killed_leaves_it_to_the_next(bob, made):
    draft = renewals.ask(bob, membership=made)
    assert leases.take(draft.pk) is not None
    resolving.work(draft.pk)
    assert newest(made) == made
    Resolution.objects.update(held_at=timezone.now() - leases.LASTS - timedelta(seconds=1))
    assert resolving.pick_up() == 1
    resolving.work(draft.pk)
    assert newest(made).version_id == draft.pk


def test_one_that_kills_its_workers_is_given_up(bob, made):
    draft = renewals.ask(bob, membership=made)
    Resolution.objects.update(attempts=5)
    resolving.work(draft.pk)
    assert references.outlook(bob, draft=draft).state == "failed"
    references.retry(bob, draft=draft)
    resolving.work(draft.pk)
    assert newest(made).version_id == draft.pk


def test_one_that_is_given_up_while_it_is_made_is_no_version(bob, made, monkeypatch):
    draft, real = renewals.ask(bob, membership=made), relogging.manifests.prepare

    def prepare(scope, found):
        references.give_up(bob, draft=draft)
        return real(scope, found)

    monkeypatch.setattr(relogging.manifests, "prepare", prepare)
    resolving.work(draft.pk)
    assert newest(made) == made
    assert not Version.objects.filter(pk=draft.pk).exists()


def test_who_left_meanwhile_logs_nothing(people, bob, made):
    draft = renewals.ask(bob, membership=made)
    teams.add_member(make.actor(people.alice), place=people.team, user=people.bob, role="viewer")
    resolving.work(draft.pk)
    assert Resolution.objects.get().code == "forbidden"
    assert newest(made) == made


def test_a_source_that_went_meanwhile_is_a_reason(bob, made):
    draft = renewals.ask(bob, membership=made)
    versions.delete(bob, membership=made, delete_aliases=True)
    resolving.work(draft.pk)
    assert Resolution.objects.get().code == "gone"


def test_it_takes_nothing_else(bob, made):
    draft = renewals.ask(bob, membership=made)
    with pytest.raises(Conflict, match="Begin another"):
        references.add(bob, draft=draft, uri="hdfs://cluster/x", name="x")
    with pytest.raises(Conflict):
        references.commit_when_resolved(bob, draft=draft)
    assert drafts.find(bob, draft.public_id).state == "PENDING"

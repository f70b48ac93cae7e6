"""References that are dropped, drafts that are given up or swept, and who sees them meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry import manifests
from registry.errors import (
    Conflict,
    DraftClosed,
    InvalidInput,
    NotFound,
    NothingFound,
    ReferenceMissing,
    ReferenceRefused,
)
from registry.manifests.marking import unused_manifests
from registry.models import Event, Membership, ReferenceBatch, ReferenceOrder, Resolution, Version
from registry.services import drafts, references, resolving
from tests import factories
from tests.services.far_stores import add, entry, finish, paths, version_of

pytestmark = pytest.mark.django_db


def test_a_reference_that_is_dropped_while_it_is_resolved_is_gone(bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/x", entry("b"))
    stores.on_entry = lambda each: references.drop(bob, draft=draft, order=order)
    assert resolving.work(draft.pk) == 0
    assert not ReferenceOrder.objects.exists()
    assert not ReferenceBatch.objects.exists()


def test_when_the_last_reference_is_dropped_nothing_is_committed_and_nobody_looks_again(
    bob, draft, stores, monkeypatch
):
    order = add(bob, draft, stores, "s3://b/none", NothingFound("There is nothing there."))
    finish(bob, draft)
    references.drop(bob, draft=draft, order=order)
    woken = []
    monkeypatch.setattr(references, "wake", woken.append)
    resolving.work(draft.pk)
    assert (references.outlook(bob, draft=draft).state, woken, resolving.pick_up()) == ("open", [], 0)
    add(bob, draft, stores, "s3://b/x", entry("b"))
    resolving.work(draft.pk)
    assert paths(version_of(draft)) == ["b"], "its commit was asked for before"


def test_when_the_last_reference_is_dropped_the_files_are_committed(bob, draft, stores):
    drafts.stage(bob, draft=draft, lines=factories.manifest_lines({"a": b"one"}))
    factories.send(bob, draft, {"a": b"one"})
    order = add(bob, draft, stores, "s3://b/none", NothingFound("There is nothing there."))
    finish(bob, draft)
    references.drop(bob, draft=draft, order=order)
    assert references.outlook(bob, draft=draft).state == "committing"
    resolving.work(draft.pk)
    assert paths(version_of(draft)) == ["a"]


def test_a_draft_that_is_given_up_while_it_is_resolved_is_gone(bob, draft, stores):
    add(bob, draft, stores, "s3://b/x", entry("b"))
    stores.on_entry = lambda each: references.give_up(bob, draft=draft)
    assert resolving.work(draft.pk) == 0
    assert not Version.objects.exists()
    assert not ReferenceOrder.objects.exists()


def test_one_that_is_added_while_the_commit_runs_is_not_lost(bob, draft, stores, monkeypatch):
    add(bob, draft, stores, "s3://b/x", entry("b"))
    references.commit_when_resolved(bob, draft=draft)
    real = manifests.prepare

    def slow(scope, entries):
        done = real(scope, entries)
        monkeypatch.setattr(manifests, "prepare", real)
        add(bob, draft, stores, "s3://b/y", entry("c"))
        return done

    monkeypatch.setattr(manifests, "prepare", slow)
    resolving.work(draft.pk)
    assert not Membership.objects.exists()
    resolving.work(draft.pk)
    assert paths(version_of(draft)) == ["b", "c"]


def test_the_same_reference_again_is_the_one_that_is_there(bob, draft, stores):
    first, created = references.add(bob, draft=draft, uri="s3://b/x", name="n")
    again, anew = references.add(bob, draft=draft, uri="s3://b/x", name="n")
    assert (created, anew, first.pk) == (True, False, again.pk)
    with pytest.raises(Conflict):
        references.add(bob, draft=draft, uri="s3://b/x", name="n", checksum=False)


def test_what_the_server_may_not_reach_is_refused_before_anything_waits(bob, draft, stores):
    with pytest.raises(ReferenceRefused):
        references.add(bob, draft=draft, uri="http://127.0.0.1/x")
    assert not ReferenceOrder.objects.exists()
    assert not Resolution.objects.exists()


def test_a_draft_takes_so_many_references_and_no_more(bob, draft, stores, monkeypatch):
    monkeypatch.setattr(references, "MOST", 2)
    for n in range(2):
        add(bob, draft, stores, f"s3://b/{n}")
    with pytest.raises(InvalidInput):
        add(bob, draft, stores, "s3://b/3")
    assert ReferenceOrder.objects.count() == 2


def test_a_pending_version_is_seen_by_its_maker_and_by_admins_alone(people, bob, draft, stores):
    add(bob, draft, stores, "s3://b/x", entry("b"))
    for who in (people.bob, people.alice, people.root):
        assert references.find(factories.actor(who), draft.public_id) == draft
    for who in (people.vera, people.olga, people.charlie, factories.user()):
        with pytest.raises(NotFound):
            references.find(factories.actor(who), draft.public_id)


def test_drafts_without_references_are_their_makers_alone(people, draft):
    with pytest.raises(NotFound):
        references.find(factories.actor(people.alice), draft.public_id)


def test_an_admin_may_drop_and_give_up_and_adds_nothing(people, bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/x", entry("b"))
    alice = factories.actor(people.alice)
    references.drop(alice, draft=draft, order=order)
    references.give_up(alice, draft=draft)
    with pytest.raises(DraftClosed):
        references.add(bob, draft=draft, uri="s3://b/y")


def test_a_draft_is_not_swept_while_it_resolves_nor_while_its_commit_waits(bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/x", entry("b"))
    at = timezone.now() + timedelta(days=30)
    Version.objects.update(updated_at=timezone.now() - timedelta(days=40))
    assert drafts.abandon_stale(at) == 0
    resolving.work(draft.pk)
    references.commit_when_resolved(bob, draft=draft)
    Version.objects.update(updated_at=timezone.now() - timedelta(days=40))
    assert drafts.abandon_stale(at) == 0
    ReferenceOrder.objects.filter(pk=order.pk).update(state="failed", code="x", why="y")
    assert drafts.abandon_stale(at) == 1
    assert not ReferenceOrder.objects.exists()


def test_what_was_staged_is_kept_while_references_resolve(people, bob, draft, stores):
    drafts.stage(bob, draft=draft, lines=factories.manifest_lines({"a": b"x"}))
    add(bob, draft, stores, "s3://b/x", entry("b"))
    scope = people.team.entity.pk
    assert not unused_manifests(scope, timezone.now() + timedelta(days=30)).exists()


def test_what_a_commit_left_behind_is_forgotten(bob, draft, stores):
    add(bob, draft, stores, "s3://b/x", entry("b"))
    Version.objects.filter(pk=draft.pk).update(state="DELETED", deleted_at=timezone.now())
    resolving.pick_up()
    assert not Resolution.objects.exists()


def test_the_outlook_takes_as_many_queries_for_fifty_as_for_one(
    bob, draft, stores, django_assert_num_queries
):
    for number in (1, 50):
        for n in range(number):
            add(bob, draft, stores, f"s3://b/{number}/{n}")
        with django_assert_num_queries(3):
            references.outlook(bob, draft=draft)


def test_no_signature_of_an_address_is_told_to_who_reads_the_log(bob, draft, stores):
    blob = "https://account.blob.core.windows.net/photos/a"
    signed = "https://data.example.org/a?X-Amz-Credential=hunter2&b=1&X-Amz-Signature=hunter2&token=hunter2#f"
    stores.things = {
        blob: [ReferenceMissing(f"{blob} is not there.")],
        signed: [ReferenceMissing(f"{signed} went.")],
    }
    of_azure = add(bob, draft, stores, f"{blob}?sv=1&sig=hunter2&versionId=7")
    assert of_azure.uri == f"{blob}?versionId=7"
    stores.things[of_azure.uri] = [ReferenceMissing("It went.")]
    order, _ = references.add(bob, draft=draft, uri=signed)
    resolving.work(draft.pk)
    references.retry(bob, draft=draft)
    references.drop(bob, draft=draft, order=order)
    told = [f"{row.before} {row.after} {row.subject}" for row in Event.objects.all()]
    acts = sorted(Event.objects.filter(act__startswith="reference").values_list("act", flat=True))
    assert (
        acts == ["reference.add"] * 2 + ["reference.drop"] + ["reference.fail"] * 2 + ["reference.retry"] * 2
    )
    assert "hunter2" not in " ".join(told)
    assert "b=1" in " ".join(told)
    # Whoever made it sees what they gave.
    assert order.uri == signed

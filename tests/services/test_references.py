"""References that the server resolves: the rows, the workers, and the commit at the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import (
    Conflict,
    NothingFound,
    PathCollision,
    ReferencesPending,
    ReferenceUnreachable,
)
from registry.models import Event, Membership, ReferenceBatch, ReferenceOrder, Resolution, Version
from registry.services import drafts, leases, outside, reference_batches, references, resolving, teams
from tests import factories
from tests.services.far_stores import add, entry, finish, paths, version_of

pytestmark = pytest.mark.django_db


def test_a_draft_is_committed_once_the_server_has_resolved_its_references(bob, draft, stores):
    add(bob, draft, stores, "s3://b/x", entry("x/1"), entry("x/2", size=None))
    add(bob, draft, stores, "https://example.org/y", entry("y", size=40), name="y")
    finish(bob, draft, aliases=["fresh"], tags=["seen"])
    made = version_of(draft)
    assert (made.number, made.version.state, made.version.size, made.version.file_count) == (
        0,
        "COMMITTED",
        41,
        3,
    )
    assert paths(made) == ["x/1", "x/2", "y"]
    assert made.held_aliases() == ["fresh", "latest"]
    assert made.version.held_tags() == ["seen"]
    assert not Resolution.objects.exists()
    assert not ReferenceBatch.objects.exists()
    told = Event.objects.get(act="version.log")
    assert (told.actor_name, told.door) == (bob.name, "api")


def test_files_that_were_sent_and_references_become_one_version(bob, draft, stores):
    files = {"a": b"one", "z": b"two"}
    drafts.stage(bob, draft=draft, lines=factories.manifest_lines(files, {"m": "x:y"}))
    factories.send(bob, draft, files)
    add(bob, draft, stores, "s3://b/x", entry("b"), entry("zz"))
    finish(bob, draft)
    assert paths(version_of(draft)) == ["a", "b", "m", "z", "zz"]


def test_the_commit_is_refused_at_once_where_bytes_are_missing(bob, draft, stores):
    drafts.stage(bob, draft=draft, lines=factories.manifest_lines({"a": b"never sent"}))
    add(bob, draft, stores, "s3://b/x", entry("b"))
    with pytest.raises(Conflict) as refused:
        references.commit_when_resolved(bob, draft=draft)
    assert refused.value.code == "blobs_missing"


def test_nothing_is_committed_before_it_was_asked_for(bob, draft, stores):
    add(bob, draft, stores, "s3://b/x", entry("b"))
    resolving.work(draft.pk)
    found = references.outlook(bob, draft=draft)
    assert (found.state, found.found_count, found.found_bytes) == ("resolved", 1, 1)
    assert Version.objects.get(pk=draft.pk).state == "PENDING"
    with pytest.raises(ReferencesPending):
        drafts.commit(bob, draft=draft)


def test_content_that_is_that_of_latest_makes_no_version(bob, draft, project, stores):
    add(bob, draft, stores, "s3://b/x", entry("b"))
    finish(bob, draft)
    second, _ = drafts.begin(bob, project=project, collection="data", type="dataset")
    references.add(bob, draft=second, uri="s3://b/x")
    finish(bob, second, aliases=["again"])
    assert Membership.objects.count() == 1
    assert version_of(draft).held_aliases() == ["again", "latest"]
    assert drafts.commit(bob, draft=Version.objects.get(pk=second.pk)).created is False


def test_a_prefix_comes_in_batches_and_is_committed_in_path_order(bob, draft, stores):
    many = [entry(f"p/{n:05}") for n in range(2500)]
    order = add(bob, draft, stores, "s3://b/p", *many)
    resolving.work(draft.pk)
    order.refresh_from_db()
    assert (order.state, order.found_count, order.batch_count, order.in_order) == ("resolved", 2500, 3, True)
    assert list(reference_batches.read(order)) == many
    finish(bob, draft)
    assert len(paths(version_of(draft))) == 2500


def test_what_a_store_lists_in_no_order_is_sorted(bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/p", entry("c"), entry("a"), entry("b"))
    add(bob, draft, stores, "s3://b/q", entry("bb"))
    finish(bob, draft)
    assert paths(version_of(draft)) == ["a", "b", "bb", "c"]
    assert not ReferenceOrder.objects.filter(pk=order.pk).exists()


class Killed(BaseException):
    """What a signal does to a worker, as far as a test can go without one."""


def test_a_worker_that_is_killed_loses_one_batch_at_most(bob, draft, stores, monkeypatch):
    many = [entry(f"p/{n:05}") for n in range(2500)]
    order = add(bob, draft, stores, "s3://b/p", *many)

    def die(each):
        if each.path == "p/01500":
            raise Killed

    stores.on_entry = die
    # A killed worker lets go of nothing.
    monkeypatch.setattr(leases.Lease, "release", lambda self: None)
    with pytest.raises(Killed):
        resolving.work(draft.pk)
    monkeypatch.undo()
    monkeypatch.setattr(outside, "found", stores.found)
    stores.on_entry = lambda each: None
    order.refresh_from_db()
    assert (order.state, order.found_count, order.cursor) == ("resolving", 1000, "p/00999")
    # Until its lease is over nobody takes it; then anybody does.
    assert resolving.work(draft.pk) == 0
    assert resolving.pick_up() == 0
    later = timezone.now() + leases.LASTS * 2
    assert resolving.pick_up(later) == 1
    Resolution.objects.update(held_at=timezone.now() - leases.LASTS * 2)
    assert resolving.work(draft.pk) == 1
    order.refresh_from_db()
    assert list(reference_batches.read(order)) == many
    assert stores.looks[-1] == ("s3://b/p", "p/00999")


def test_a_second_worker_does_nothing_while_the_first_is_at_it(bob, draft, stores):
    done = []
    add(bob, draft, stores, "s3://b/x", entry("b"))
    stores.on_entry = lambda each: done.append(resolving.work(draft.pk))
    assert resolving.work(draft.pk) == 1
    assert done == [0]


def test_a_worker_whose_draft_was_taken_over_writes_nothing(bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/x", entry("b"))
    stores.on_entry = lambda each: Resolution.objects.update(holder="f" * 32, held_at=timezone.now())
    assert resolving.work(draft.pk) == 0
    order.refresh_from_db()
    assert (order.state, order.found_count) == ("resolving", 0)
    assert not ReferenceBatch.objects.exists()
    assert Resolution.objects.get().holder == "f" * 32


def test_time_runs_out_and_another_task_goes_on(bob, draft, stores, monkeypatch):
    sent = []
    monkeypatch.setattr(references, "wake", sent.append)
    add(bob, draft, stores, "s3://b/p", *[entry(f"p/{n:05}") for n in range(2500)])
    sent.clear()
    assert resolving.work(draft.pk, longest_seconds=0.000001) == 0
    assert sent == [draft.pk]


def test_each_reference_says_why_it_failed_and_is_tried_again_or_dropped(bob, draft, stores):
    good = add(bob, draft, stores, "s3://b/x", entry("b"))
    bad = add(bob, draft, stores, "s3://b/none", NothingFound("There is nothing under s3://b/none."))
    worse = add(bob, draft, stores, "s3://b/broken", RuntimeError("a library is at its end"))
    finish(bob, draft)
    for row in (good, bad, worse):
        row.refresh_from_db()
    assert [row.state for row in (good, bad, worse)] == ["resolved", "failed", "failed"]
    assert (bad.code, bad.why) == ("nothing_found", "There is nothing under s3://b/none.")
    assert worse.code == "internal_error"
    assert "library" not in worse.why
    assert references.outlook(bob, draft=draft).state == "failed"
    stores.things["s3://b/none"] = [entry("n")]
    assert references.retry(bob, draft=draft, order=bad) == 1
    references.drop(bob, draft=draft, order=worse)
    resolving.work(draft.pk)
    assert paths(version_of(draft)) == ["b", "n"]
    acts = Event.objects.filter(act__startswith="reference.").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["reference.add"] * 3 + ["reference.fail"] * 2 + [
        "reference.retry",
        "reference.drop",
    ]


def test_a_reason_that_no_database_takes_is_kept_as_far_as_it_can_be(bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/x", NothingFound("nul \0 and half \ud800 a letter"))
    resolving.work(draft.pk)
    order.refresh_from_db()
    assert order.why == "nul  and half ? a letter"


def test_a_store_that_does_not_answer_is_asked_again_later_and_given_up_at_last(bob, draft, stores):
    order = add(bob, draft, stores, "https://slow.org/x", ReferenceUnreachable("It does not answer."))
    waits = []
    for _ in range(resolving.TRIES - 1):
        resolving.work(draft.pk)
        order.refresh_from_db()
        assert (order.state, order.code) == ("waiting", "reference_unreachable")
        waits.append(order.try_at - timezone.now())
        assert resolving.work(draft.pk) == 0, "before its time"
        ReferenceOrder.objects.update(try_at=timezone.now() - timedelta(seconds=1))
    assert waits == sorted(waits)
    resolving.work(draft.pk)
    order.refresh_from_db()
    assert (order.state, order.why) == ("failed", "It does not answer.")


def test_a_store_that_fails_in_the_middle_goes_on_behind_what_was_found(bob, draft, stores):
    many = [entry(f"p/{n:05}") for n in range(1500)]
    order = add(bob, draft, stores, "s3://b/p", *many[:1000], ReferenceUnreachable("It broke off."))
    resolving.work(draft.pk)
    stores.things["s3://b/p"] = many
    ReferenceOrder.objects.update(try_at=None)
    resolving.work(draft.pk)
    order.refresh_from_db()
    assert (order.state, order.code, order.why) == ("resolved", "", "")
    assert list(reference_batches.read(order)) == many


def test_more_objects_than_allowed_leave_nothing_behind(bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/p", *[entry(f"p/{n:05}") for n in range(1200)], max_objects=1100)
    resolving.work(draft.pk)
    order.refresh_from_db()
    assert (order.state, order.code, order.found_count, order.cursor) == ("failed", "too_many_objects", 0, "")
    assert not ReferenceBatch.objects.exists()


def test_nothing_under_a_prefix_is_a_failure_never_an_empty_version(bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/empty")
    finish(bob, draft)
    order.refresh_from_db()
    assert order.code == "nothing_found"
    assert not Membership.objects.exists()


def test_a_worker_that_is_stopped_each_time_gives_up_at_last(bob, draft, stores):
    order = add(bob, draft, stores, "s3://b/x", entry("b"))
    ReferenceOrder.objects.update(attempts=resolving.TRIES)
    resolving.work(draft.pk)
    order.refresh_from_db()
    assert (order.state, order.code) == ("failed", "unavailable")


def test_two_references_that_put_different_things_in_one_place_are_named_both(bob, draft, stores):
    add(bob, draft, stores, "s3://b/x", entry("same", "s3://b/x/same"))
    add(bob, draft, stores, "s3://c/x", entry("same", "s3://c/x/same"))
    finish(bob, draft)
    held = Resolution.objects.get()
    assert held.code == PathCollision.code
    assert "s3://b/x/same" in held.why
    assert "s3://c/x/same" in held.why
    assert references.outlook(bob, draft=draft).state == "failed"
    references.drop(bob, draft=draft, order=ReferenceOrder.objects.last())
    resolving.work(draft.pk)
    assert paths(version_of(draft)) == ["same"]


def test_two_references_that_found_the_same_thing_are_one_entry(bob, draft, stores):
    add(bob, draft, stores, "s3://b/x", entry("p/a", "s3://b/x/p/a"))
    add(bob, draft, stores, "s3://b/x/p", entry("p/a", "s3://b/x/p/a"), entry("p/b"))
    finish(bob, draft)
    assert paths(version_of(draft)) == ["p/a", "p/b"]


def test_a_role_that_was_lost_meanwhile_refuses_the_commit(people, bob, draft, stores):
    add(bob, draft, stores, "s3://b/x", entry("b"))
    references.commit_when_resolved(bob, draft=draft)
    teams.add_member(factories.actor(people.alice), place=people.team, user=people.bob, role="viewer")
    resolving.work(draft.pk)
    held = Resolution.objects.get()
    assert held.code == "forbidden"
    assert "needs the role member" in held.why
    assert not Membership.objects.exists()

"""The watch over references: batches, turns and claims; looks that somebody asks for; how it is listed."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta

import pytest
from strongroom.core.digests import md5_b64
from strongroom.core.references.base import State

from registry import queue
from registry.errors import Forbidden, InternalError, InvalidInput, InvalidQuery, RateLimited
from registry.models import Manifest, ReferenceDrift, ReferenceWatch, Version
from registry.services import drafts, drift, drifts, files, trash, versions, watching
from registry.services import reaching as reaching_module
from tests import factories as make
from tests.services.drift_site import DAY, NOW
from tests.support.drifting import log, states, watch_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]


def test_a_long_list_goes_in_batches_and_on_after_a_kill(people, project, site, monkeypatch):
    names = [f"f{number:02}" for number in range(23)]
    site.put(**{name: name.encode() for name in names})
    made = log(people.bob, project, [site.entry(name) for name in names])
    site.put(f03=b"other", f21=b"other")
    monkeypatch.setattr(drift, "BATCH", 5)
    written = drift.drift_rows.write
    batches = []

    def die_at_the_third(pk, claim, batch, after):
        batches.append(len(batch.seen))
        if len(batches) == 3:
            raise KeyboardInterrupt
        return written(pk, claim, batch, after)

    with monkeypatch.context() as broken:
        broken.setattr(drift.drift_rows, "write", die_at_the_third)
        broken.setattr(drift.drift_rows, "release", lambda *a: None)  # as kill -9
        with pytest.raises(KeyboardInterrupt):
            drift.run(NOW + DAY)
    watch = watch_of(made)
    assert (watch.seen, watch.after, bool(watch.claim)) == (10, "f09", True)
    # Whoever comes meanwhile leaves it alone; after a while its claim is over.
    assert drift.run(NOW + DAY).references == 0
    asked = len(site.asked)
    later = NOW + DAY + timedelta(minutes=11)
    assert drift.run(later).references == 13
    assert len(site.asked) - asked == 13
    assert states(made) == {"f03": "changed", "f21": "changed"}
    assert watch_of(made).total == 23


def test_a_worker_that_lost_its_claim_writes_nothing(logged, site, monkeypatch):
    asked = drift._ask

    def slow(*given):
        found = asked(*given)
        ReferenceWatch.objects.update(claim="another", claimed_until=NOW + 2 * DAY)
        return found

    monkeypatch.setattr(drift, "_ask", slow)
    site.put(a=b"another")
    assert drift.run(NOW + DAY).references == 0
    watch = watch_of(logged)
    assert (states(logged), watch.seen, watch.claim) == ({}, 0, "another")


def test_entities_take_turns_and_a_budget_ends_a_run(people, project, site, monkeypatch, settings):
    monkeypatch.setattr(drift, "BATCH", 2)
    site.put(a=b"a", b=b"b", c=b"c")
    entries = [site.entry(path) for path in "abc"]
    mine = [log(people.bob, project, entries, f"set{number}") for number in range(3)]
    others = make.people()
    theirs = log(others.bob, make.project(others), entries)
    settings.DRIFT_MOST = 4
    assert drift.run(NOW + DAY).references == 4
    seen = {made.pk: watch_of(made).seen for made in (*mine, theirs)}
    assert seen == {mine[0].pk: 2, mine[1].pk: 0, mine[2].pk: 0, theirs.pk: 2}
    settings.DRIFT_MOST = 100
    assert drift.run(NOW + DAY).versions == 4


def test_one_version_that_cannot_be_read_stops_no_other(people, project, site, monkeypatch):
    site.put(a=b"a", b=b"b")
    bad = log(people.bob, project, [site.entry("a")], "bad")
    good = log(people.bob, project, [site.entry("b")], "good")
    whole = drift.manifests.references

    def torn(manifest, after):
        if manifest.pk == bad.version.manifest_id:
            raise OSError("the disk is gone")
        return whole(manifest, after)

    monkeypatch.setattr(drift.manifests, "references", torn)
    with pytest.raises(InternalError, match="could not be looked at"):
        drift.run(NOW + DAY)
    assert (watch_of(bad).next_at, watch_of(bad).claim) == (NOW + DAY + timedelta(hours=1), "")
    assert watch_of(good).state == "ok"


def test_what_is_in_the_trash_is_left_alone_and_what_is_purged_forgotten(logged, site, bob, alice):
    trash.move(bob, logged, cause=Version.Cause.PERSON)
    drift.run(NOW + DAY)
    assert (site.asked, watch_of(logged).next_at) == ([], NOW + 2 * DAY)
    trash.restore(bob, membership=logged)
    drift.run(NOW + 2 * DAY)
    assert watch_of(logged).state == "ok"
    trash.move(bob, logged, cause=Version.Cause.PERSON)
    trash.purge_due(NOW + 30 * DAY)
    assert not ReferenceWatch.objects.exists()
    assert not ReferenceDrift.objects.exists()


def test_versions_from_before_are_counted_and_watched(logged, people, project, site):
    plain = make.log(people.bob, project, "plain")
    ReferenceWatch.objects.all().delete()
    Manifest.objects.update(reference_count=None)
    done = drift.run(NOW + 2 * DAY)
    assert (done.counted, done.references) == (2, 3)
    counts = {
        made.pk: Manifest.objects.get(pk=made.version.manifest_id).reference_count for made in (logged, plain)
    }
    assert counts == {logged.pk: 3, plain.pk: 0}
    assert ReferenceWatch.objects.count() == 1


def test_a_commit_of_what_was_not_counted_is_watched_until_a_look_finds_nothing(people, project):
    who = make.actor(people.bob, "api")
    draft, _ = drafts.begin(who, project=project, collection="x", type="dataset")
    drafts.stage(who, draft=draft, lines=make.manifest_lines({"a": b"1"}))
    make.send(who, draft, {"a": b"1"})
    Manifest.objects.update(reference_count=None)
    draft.refresh_from_db()
    made = drafts.commit(who, draft=draft).membership
    assert watch_of(made).total is None
    drift.run(NOW + DAY)
    assert not ReferenceWatch.objects.exists()


def test_nothing_is_looked_at_by_itself_where_that_is_off(logged, site, settings, bob):
    settings.DRIFT_HOURS = 0
    assert drift.run(NOW + 9 * DAY).references == 0
    drifts.ask(bob, membership=logged, at=NOW + 9 * DAY)
    assert drift.run(NOW + 9 * DAY).references == 3


def test_who_may_edit_asks_for_a_check_now_and_then(logged, bob, people, sent, site):
    with pytest.raises(Forbidden):
        drifts.ask(make.actor(people.vera), membership=logged)
    watch = drifts.ask(bob, membership=logged, at=NOW)
    assert (watch.asked_at, sent) == (NOW, [("references.check", str(logged.version_id))])
    # It is asked already.
    drifts.ask(bob, membership=logged, at=NOW)
    assert len(sent) == 1
    assert drift.look(logged.version_id, NOW).versions == 1
    with pytest.raises(RateLimited, match="in 5 minutes") as refused:
        drifts.ask(bob, membership=logged, at=NOW + timedelta(seconds=1))
    assert refused.value.details["retry_after"] == 300
    drifts.ask(bob, membership=logged, at=NOW + timedelta(minutes=5))
    assert len(sent) == 2


def test_only_references_are_checked(people, project, bob):
    plain = make.log(people.bob, project)
    with pytest.raises(InvalidInput, match="no references"):
        drifts.ask(bob, membership=plain)
    assert drifts.of_version(bob, plain) is None


def test_a_queue_that_is_down_loses_no_request(logged, bob, monkeypatch):
    monkeypatch.setattr(queue, "send", lambda *given: (_ for _ in ()).throw(OSError("down")))
    drifts.ask(bob, membership=logged, at=NOW)
    assert drift.run(NOW).versions == 1


def test_rows_are_listed_by_state_and_words(logged, site, bob):
    site.put(a=b"another")
    del site.files["c"]
    drift.run(NOW + DAY)
    listed = lambda **given: [row.path for row in drifts.listing(bob, membership=logged, **given)]  # noqa: E731  # short here
    assert sorted(listed()) == ["a", "c"]
    assert listed(state="missing") == ["c"]
    assert listed(q="127.0.0.1 when") == ["a"]
    assert listed(q="zzz") == []
    with pytest.raises(InvalidQuery):
        listed(state="ok")


def test_how_each_entry_stands(logged, site, bob):
    entries = list(files.entries(bob, logged))
    assert {
        path: each.state for path, each in drifts.standings(bob, logged, entries).items()
    } == dict.fromkeys("abc", "unchecked")
    del site.files["c"]
    drift.run(NOW + DAY)
    found = drifts.standings(bob, logged, entries)
    assert {path: each.state for path, each in found.items()} == {"a": "ok", "b": "ok", "c": "missing"}
    assert found["c"].drift.why
    assert found["a"].found_at == NOW + DAY


def test_versions_are_found_by_how_their_references_are(logged, people, project, site, bob):
    plain = log(people.bob, project, [], files={"x": b"x"})
    fresh = log(people.bob, project, [site.entry("b")])
    ReferenceWatch.objects.filter(version=fresh.version_id).update(next_at=NOW + 9 * DAY)
    site.put(a=b"another")
    drift.run(NOW + DAY)

    def found(q):
        rows = versions.listing(bob, collection=logged.collection, q=q)
        return sorted(rows.values_list("number", flat=True))

    assert found("drift:changed") == [logged.number]
    assert found("drift:any") == [logged.number]
    assert found("-drift:any") == [plain.number, fresh.number]
    assert found("drift:missing") == []
    assert found("drift:unchecked") == [fresh.number]
    assert found("drift:ok") == []
    with pytest.raises(InvalidQuery, match="write changed, missing"):
        found("drift:bent")


def test_who_logged_it_is_told_for_some_time(logged, site, bob, alice, people):
    site.put(a=b"another")
    drift.run(NOW + DAY)
    found = drifts.of_person(bob, limit=5, at=NOW + DAY)
    assert [(row.name, watch.changed) for row, watch in found] == [("data:v0", 1)]
    assert drifts.of_person(alice, limit=5, at=NOW + DAY) == []
    assert drifts.of_person(bob, limit=5, at=NOW + 20 * DAY) == []


def test_intervals(settings):
    settings.DRIFT_HOURS = 6
    assert watching.interval() == timedelta(hours=6)
    assert State.OK == "ok"


def test_files_that_may_not_be_had_keep_no_others_of_their_host_from_a_look(people, project, site, settings):
    settings.DRIFT_THREADS = 1
    names = [f"f{number:02}" for number in range(20)]
    site.put(**{name: name.encode() for name in names})
    made = log(people.bob, project, [site.entry(name) for name in names])
    site.troubles = {name: (403, {}) for name in names[:5]}
    drift.run(NOW + DAY)
    assert states(made) == dict.fromkeys(names[:5], "unreachable")


def test_files_of_a_root_that_cannot_be_read_keep_no_others_from_a_look(
    people, project, site, settings, tmp_path
):
    settings.DRIFT_THREADS = 1
    entries = []
    for number in range(12):
        path = tmp_path / "root" / f"f{number:02}"
        path.write_bytes(b"one")
        entries.append(
            {
                "path": path.name,
                "ref": path.as_uri(),
                "digest": md5_b64(hashlib.md5(b"one").digest()),
                "size": 3,
            }
        )
    made = log(people.bob, project, entries)
    for number in range(5):
        (tmp_path / "root" / f"f{number:02}").unlink()
        os.mkfifo(tmp_path / "root" / f"f{number:02}")
    drift.run(NOW + DAY)
    assert states(made) == {f"f{number:02}": "unreachable" for number in range(5)}


def test_a_file_that_takes_longer_than_a_worker_has_is_not_compared(
    people, project, site, monkeypatch, tmp_path
):
    path = tmp_path / "root" / "large"
    path.write_bytes(b"one")
    entry = {
        "path": "large",
        "ref": path.as_uri(),
        "digest": md5_b64(hashlib.md5(b"one").digest()),
        "size": 3,
    }
    made = log(people.bob, project, [entry])
    monkeypatch.setattr(reaching_module, "LONGEST_READ", -1.0)
    drift.run(NOW + DAY)
    assert states(made) == {"large": "unreachable"}
    assert "longer than" in ReferenceDrift.objects.get().why

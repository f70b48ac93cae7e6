"""References are looked at again: what changed, went or can't be reached is found, kept, and told once."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta

import pytest
from django.utils import timezone
from strongroom.core.digests import md5_b64
from strongroom.core.references.base import State

from registry import queue
from registry.errors import Forbidden, InternalError, InvalidInput, InvalidQuery, RateLimited
from registry.models import Event, Manifest, ReferenceDrift, ReferenceWatch, Version
from registry.services import drafts, drift, drifts, files, looking, trash, versions, watching
from registry.services import reaching as reaching_module
from tests import factories as make
from tests.support.drifting import log, states, watch_of
from tests.support.website import reaching, website

pytestmark = pytest.mark.django_db
# A while after whatever the tests log.
NOW = timezone.now() + timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def site(settings, tmp_path):
    with website() as running:
        root = tmp_path / "root"
        root.mkdir()
        settings.OUTBOUND = reaching(running, settings.OUTBOUND, str(root))
        yield running


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    """What the queue was given."""
    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(queue, "send", lambda *given: found.append(given))
    return found


@pytest.fixture
def logged(site, people, project):
    """A version of three references on the web and a file."""
    site.put(a=b"one", b=b"two", c=b"three")
    return log(people.bob, project, [site.entry(path) for path in "abc"], files={"z": b"bytes"})


def told(membership) -> list[tuple]:
    rows = Event.objects.filter(act="version.drift", version_id=membership.version_id).order_by("id")
    return [(row.before, row.after) for row in rows]


def test_a_version_with_references_is_watched_from_its_commit_on(logged, people, project):
    watch = watch_of(logged)
    assert (watch.total, watch.state, watch.checked_at) == (3, "", None)
    assert watch.next_at - logged.version.committed_at == DAY
    plain = make.log(people.bob, project, "plain")
    assert not ReferenceWatch.objects.filter(version=plain.version_id).exists()
    assert Manifest.objects.get(pk=plain.version.manifest_id).reference_count == 0


def test_nothing_is_looked_at_before_its_time(logged, site):
    assert drift.run(NOW).references == 0
    assert site.asked == []


def test_sound_references_cost_one_row_and_are_asked_by_condition(logged, site):
    done = drift.run(NOW + DAY)
    assert (done.references, done.versions) == (3, 1)
    watch = watch_of(logged)
    assert (watch.state, watch.ok, watch.checked_at) == ("ok", 3, NOW + DAY)
    assert watch.next_at == NOW + 2 * DAY
    assert not ReferenceDrift.objects.exists()
    assert {method for method, _, _ in site.asked} == {"HEAD"}
    asked = {path: headers["if-none-match"] for _, path, headers in site.asked}
    assert asked == {path: f'"{site.etag(path)}"' for path in "abc"}
    assert told(logged) == []


def test_what_changed_and_went_is_kept_with_what_is_there_and_told_once(logged, site):
    drift.run(NOW + DAY)
    site.put(a=b"another")
    del site.files["c"]
    drift.run(NOW + 2 * DAY)
    watch = watch_of(logged)
    assert (watch.state, watch.ok, watch.changed, watch.missing) == ("missing", 1, 1, 1)
    row = ReferenceDrift.objects.get(path="a")
    assert (row.state, row.digest, row.size, row.since) == ("changed", site.etag("a"), 7, NOW + 2 * DAY)
    assert "when it was recorded" in row.why
    assert states(logged) == {"a": "changed", "c": "missing"}
    once = [({"references": "ok"}, {"references": "missing", "changed": 1, "missing": 1})]
    assert told(logged) == once
    # The same again is no news, and since when stays.
    drift.run(NOW + 3 * DAY)
    assert told(logged) == once
    row.refresh_from_db()
    assert (row.since, row.checked_at) == (NOW + 2 * DAY, NOW + 3 * DAY)
    site.put(a=b"one", c=b"three")
    drift.run(NOW + 4 * DAY)
    assert (states(logged), watch_of(logged).state) == ({}, "ok")
    assert told(logged)[1:] == [({"references": "missing"}, {"references": "ok"})]


def test_what_is_wrong_at_the_first_look_is_told(logged, site):
    del site.files["a"]
    drift.run(NOW + DAY)
    assert told(logged) == [(None, {"references": "missing", "missing": 1})]


@pytest.mark.parametrize("status", [500, 503, 403, 429])
def test_trouble_of_the_server_is_unreachable_and_tried_again_sooner(logged, site, status):
    site.troubles["b"] = (status, {})
    drift.run(NOW + DAY)
    assert states(logged) == {"b": "unreachable"}
    assert str(status) in ReferenceDrift.objects.get().why
    assert watch_of(logged).next_at == NOW + DAY + timedelta(hours=1)
    site.troubles.clear()
    drift.run(NOW + DAY + timedelta(hours=1))
    assert states(logged) == {}


def test_what_does_not_answer_for_long_is_tried_ever_more_rarely(logged, site):
    site.troubles["b"] = (500, {})
    at, waits = NOW + DAY, []
    for _ in range(8):
        drift.run(at)
        due = watch_of(logged).next_at
        waits.append((due - at) // timedelta(hours=1))
        at = due
    assert waits == [1, 1, 2, 4, 8, 16, 24, 24]


def test_a_long_look_is_not_begun_again_at_once(logged, site):
    site.troubles["b"] = (500, {})
    ReferenceWatch.objects.update(begun_at=NOW + DAY - timedelta(minutes=30))
    drift.run(NOW + DAY)
    assert watch_of(logged).next_at == NOW + DAY + timedelta(hours=5)


def test_a_file_that_moved_is_followed(logged, site):
    site.files["elsewhere"] = site.files["a"]
    site.troubles["a"] = (302, {"Location": "/elsewhere"})
    drift.run(NOW + DAY)
    assert states(logged) == {}
    site.put(elsewhere=b"else")
    drift.run(NOW + 2 * DAY)
    assert states(logged) == {"a": "changed"}


def test_a_host_that_asks_to_be_left_alone_is_and_the_look_goes_on_later(logged, site, settings):
    settings.DRIFT_THREADS = 1
    site.troubles["a"] = (429, {"Retry-After": "1800"})
    drift.run(NOW + DAY)
    watch = watch_of(logged)
    assert (watch.seen, watch.after, watch.checked_at) == (1, "a", None)
    assert timedelta(minutes=29) < watch.next_at - (NOW + DAY) <= timedelta(minutes=30)
    assert site.paths() == ["a"]


def test_a_look_that_a_host_holds_up_for_days_comes_to_an_end(logged, site, settings):
    settings.DRIFT_THREADS = 1
    site.troubles["a"] = (429, {"Retry-After": "1800"})
    drift.run(NOW + DAY)
    drift.run(NOW + 3 * DAY)
    assert watch_of(logged).checked_at == NOW + 3 * DAY
    assert set(states(logged).values()) == {"unreachable"}


def test_a_host_that_fails_again_and_again_is_not_asked_for_all(people, project, site, settings):
    settings.DRIFT_THREADS = 1
    names = [f"f{number:02}" for number in range(20)]
    site.put(**{name: name.encode() for name in names})
    made = log(people.bob, project, [site.entry(name) for name in names])
    site.troubles = {name: (500, {}) for name in names}
    drift.run(NOW + DAY)
    assert len(site.asked) == 3
    assert watch_of(made).unreachable == 20
    assert "was not asked for" in ReferenceDrift.objects.get(path="f19").why


def test_what_the_server_may_not_reach_is_said_and_asked_for_rarely(logged, site, settings, monkeypatch):
    settings.OUTBOUND = reaching(site, type(settings.OUTBOUND)())
    settings.OUTBOUND = type(settings.OUTBOUND)(ports=settings.OUTBOUND.ports)
    drift.run(NOW + DAY)
    row = ReferenceDrift.objects.get(path="a")
    assert (row.state, row.refused) == ("unreachable", True)
    assert "may not reach" in row.why
    assert watch_of(logged).next_at == NOW + 2 * DAY
    looked = []
    monkeypatch.setattr(looking.references, "check", lambda entry, reach: looked.append(entry.path))
    drift.run(NOW + 2 * DAY)
    assert (looked, watch_of(logged).unreachable) == ([], 3)
    monkeypatch.undo()
    settings.OUTBOUND = reaching(site, type(settings.OUTBOUND)())
    drift.run(NOW + 9 * DAY)
    assert states(logged) == {}


def test_who_asks_looks_again_also_at_what_was_refused(logged, site, settings, bob):
    allowed = settings.OUTBOUND
    settings.OUTBOUND = type(allowed)(ports=allowed.ports)
    drift.run(NOW + DAY)
    settings.OUTBOUND = allowed
    drifts.ask(bob, membership=logged, at=NOW + DAY + timedelta(minutes=6))
    drift.look(logged.version_id, NOW + DAY + timedelta(minutes=6))
    assert states(logged) == {}


def test_what_was_not_compared_is_not_watched(people, project, site):
    site.put(a=b"one")
    plain = {"path": "p", "ref": site.uri("a"), "digest": site.uri("a"), "size": None}
    other = {"path": "q", "ref": "hdfs://x/y", "digest": "hdfs://x/y", "size": None}
    odd = {"path": "r", "ref": "no uri at all", "digest": "x", "size": None}
    made = log(people.bob, project, [site.entry("a"), plain, other, odd])
    drift.run(NOW + DAY)
    watch = watch_of(made)
    assert (watch.total, watch.unwatched, watch.ok, watch.state) == (4, 3, 1, "ok")
    assert site.paths() == ["a"]


def test_files_below_a_root_are_compared_by_their_bytes(people, project, site, tmp_path, settings):
    from strongroom.core import references

    from registry.outbound import outside_of

    folder = tmp_path / "root" / "set"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / name).write_text(name)
    with outside_of(people.team.entity) as reach:
        entries = [entry.to_json() for entry in references.expand(f"file://{folder}", "set", reach=reach)]
    made = log(people.bob, project, entries)
    drift.run(NOW + DAY)
    assert states(made) == {}
    (folder / "a").write_text("longer")
    (folder / "b").write_text("B")
    (folder / "c").unlink()
    drift.run(NOW + 2 * DAY)
    assert states(made) == {"set/a": "changed", "set/b": "changed", "set/c": "missing"}
    # What is there is known, also where the size alone told that it is another.
    assert ReferenceDrift.objects.get(path="set/a").size == 6
    assert ReferenceDrift.objects.get(path="set/a").digest


def test_an_entry_of_another_artifact_is_watched_as_far_as_who_logged_it_sees(people, project, bob, site):
    from strongroom.core.references.artifacts import uri_of

    source = make.log(people.bob, project, "source", files={"w": b"weights"})
    there = versions.find(bob, source.collection, "v0").version
    digest = next(iter(files.entries(bob, source))).digest
    entry = {"path": "w", "ref": uri_of(there.public_id, "w"), "digest": digest, "size": 7}
    made = log(people.bob, project, [entry])
    drift.run(NOW + DAY)
    assert (states(made), watch_of(made).unwatched) == ({}, 0)
    # Who leaves takes nothing away from what they saw when they logged it.
    people.bob.is_active = False
    people.bob.save()
    drift.run(NOW + 2 * DAY)
    assert states(made) == {}
    people.bob.is_active = True
    people.bob.save()
    trash.move(bob, source, cause=Version.Cause.PERSON)
    drift.run(NOW + 3 * DAY)
    assert states(made) == {"w": "missing"}


def test_a_reference_that_was_written_by_hand_tells_nothing_of_others(people, project, site):
    from strongroom.core.references.artifacts import uri_of

    others = make.people()
    secret = make.log(others.bob, make.project(others), "secret", files={"w": b"weights"})
    uri = uri_of(secret.version.public_id, "w")
    made = log(people.bob, project, [{"path": "w", "ref": uri, "digest": "a guess", "size": 7}])
    drift.run(NOW + DAY)
    row = ReferenceDrift.objects.get(watch__version=made.version_id)
    assert (row.state, row.digest, row.size) == ("missing", "", None)
    assert "secret" not in row.why


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

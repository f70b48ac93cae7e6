"""References are looked at again: what changed, went or can't be reached is found, kept, and told once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.models import Manifest, ReferenceDrift, ReferenceWatch, Version
from registry.services import drift, drifts, files, looking, trash, versions
from tests import factories as make
from tests.services.drift_site import DAY, NOW
from tests.support.drifting import log, states, told, watch_of
from tests.support.website import reaching

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]


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

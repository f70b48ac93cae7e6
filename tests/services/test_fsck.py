"""Checks of the store: all that is wrong is found and named, nothing else; and a run goes on where it stopped."""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest
from django.utils import timezone

from registry import storage
from registry.actor import system
from registry.errors import Conflict, Forbidden, NotFound, Unavailable
from registry.manifests import boundaries, cache
from registry.models import (
    Blob,
    Chunk,
    Collection,
    FsckFinding,
    FsckRun,
    Manifest,
    StoredObject,
    Version,
)
from registry.services import alarms, drafts, fsck, trash, versions
from registry.storage.checking import Pace, Part
from tests import factories as make
from tests.support import damage

pytestmark = pytest.mark.django_db
MIB = 1 << 20


@pytest.fixture(autouse=True)
def own_store(settings, tmp_path):
    """A store of its own, so that nothing of other tests lies in it."""
    settings.INCOMING_DIR = tmp_path / "incoming"
    options = {"location": tmp_path / "blobs"}
    backend = "registry.storage.backends.local.LocalBlobStorage"
    settings.STORAGES = {**settings.STORAGES, "blobs": {"BACKEND": backend, "OPTIONS": options}}
    cache.shared.clear()
    yield
    cache.shared.clear()


@pytest.fixture
def small_nodes(monkeypatch):
    """Cut every few entries, and keep no node in its row: so that there are many nodes, in objects."""
    monkeypatch.setattr(boundaries, "LEAF", boundaries.Rule(mean=6, fewest=2, most=12))
    monkeypatch.setattr(boundaries, "INDEX", boundaries.Rule(mean=4, fewest=2, most=6))
    monkeypatch.setattr("registry.manifests.writer._INLINE_BYTES", 0)


def fill(people, versions=6, files=20, seed=1):
    """Log versions of small files that share some, each in a collection of its own."""
    dice = random.Random(seed)
    project = make.project(people)
    common = {f"common/{n}": dice.randbytes(300) for n in range(5)}
    return [
        make.log(
            people.bob,
            project,
            f"c{number}",
            common | {f"d{n % 4}/{number}-{n}": dice.randbytes(400) for n in range(files)},
        )
        for number in range(versions)
    ]


def check(**options) -> FsckRun:
    return fsck.start(system("command"), fsck.Options(**{"read_data": True, **options}))


def found(run) -> dict[str, FsckFinding]:
    return {one.digest: one for one in run.findings.all() if one.digest}


def test_a_sound_store_has_no_findings(small_nodes):
    people = make.people()
    fill(people)
    run = check(md5=True)
    assert (run.found, run.left, list(run.findings.all())) == (0, 0, [])
    assert run.counts["objects"] == run.counts["objects"] > 0
    assert run.counts["contents"] == Blob.objects.count()
    assert run.counts["nodes"] == Chunk.objects.count()
    assert run.counts["bytes"] > 0


@pytest.mark.parametrize("what", ["blobs", "chunks"])
@pytest.mark.parametrize("kind", damage.KINDS)
def test_every_kind_of_damage_is_found_with_versions_and_paths(small_nodes, kind, what):
    people = make.people()
    fill(people, versions=8)
    harmer = damage.Harmer(seed=3, what=what)
    harms = [harmer.harm(kind) for _ in range(3)]
    run = check()
    named = {digest: one.touched for digest, one in found(run).items()}
    assert set(named) == set().union(*(harm.digests for harm in harms))
    judge = damage.unnamed if what == "blobs" else damage.unnamed_versions
    assert judge(harms, named) == []
    assert run.left == len(named)


def test_without_reading_lengths_rows_and_nodes_are_checked(small_nodes):
    people = make.people()
    fill(people)
    harmer = damage.Harmer(seed=5)
    harms = [harmer.harm("missing"), harmer.harm("truncated")]
    unseen = harmer.harm("bit")
    run = check(read_data=False)
    assert set(found(run)) == harms[0].digests | harms[1].digests
    assert not unseen.digests & set(found(run))


def test_a_large_content_is_read_as_a_stream(monkeypatch):
    monkeypatch.setattr("registry.storage.checking.STRETCH", 100_000)
    people = make.people()
    data = random.Random(7).randbytes(950_000)
    make.log(people.bob, make.project(people), files={"large": data, "small": b"1"})
    assert check(md5=True).found == 0
    (blob,) = Blob.objects.filter(size=len(data))
    damage.flip(damage.path_of(blob.object.name), blob.offset + 800_000, random.Random(1))
    assert [one.kind for one in check().findings.all()] == ["damaged"]


def test_what_is_damaged_is_marked_and_what_is_right_again_is_unmarked():
    people = make.people()
    fill(people, versions=1)
    blob = Blob.objects.select_related("object").first()
    path = damage.path_of(blob.object.name)
    kept = path.read_bytes()
    damage.write(path, blob.offset, bytes(blob.size))
    assert check().left == 1
    blob.refresh_from_db()
    assert blob.damaged_at is not None
    # Also a run that does not read tells of what is known to be damaged.
    assert check(read_data=False).left == 1
    path.write_bytes(kept)
    run = check(read_data=False)
    assert (run.left, run.counts["unmarked"]) == (0, 1)
    blob.refresh_from_db()
    assert blob.damaged_at is None


def test_damage_in_a_node_is_marked_and_unmarked_too(small_nodes):
    people = make.people()
    fill(people, versions=1)
    chunk = Chunk.objects.select_related("object").filter(kind="e", level=0).first()
    path = damage.path_of(chunk.object.name)
    kept = path.read_bytes()
    damage.flip(path, chunk.offset + chunk.length // 2, random.Random(1))
    assert [one.kind for one in check().findings.all()] == ["node"]
    assert Chunk.objects.filter(damaged_at__isnull=False).count() == 1
    path.write_bytes(kept)
    assert check().left == 0
    assert not Chunk.objects.filter(damaged_at__isnull=False).exists()


def test_the_parts_together_look_at_everything_once():
    people = make.people()
    fill(people, versions=12, files=2)
    runs = [check(part=number, parts=5) for number in range(1, 6)]
    assert sum(run.counts.get("objects", 0) for run in runs) == StoredObject.objects.count()
    assert sum(run.counts.get("contents", 0) for run in runs) == Blob.objects.count()
    assert sum(run.counts.get("nodes", 0) for run in runs) == Chunk.objects.count()


def test_a_part_is_the_same_each_time_and_about_as_large_as_the_others():
    names = [f"packs/{n:02x}/{n}" for n in range(2000)]
    sizes = [sum(Part(n, 10).has(name) for name in names) for n in range(1, 11)]
    assert sum(sizes) == 2000
    assert min(sizes) > 140
    assert fsck.sample(5)[1] == 20
    assert fsck.sample(100) == (1, 1)


@pytest.mark.parametrize("step", ["rows", "data", "nodes", "touched"])
def test_a_run_that_is_interrupted_goes_on_where_it_was(monkeypatch, step):
    people = make.people()
    fill(people, versions=6, files=3)
    harm = damage.Harmer(seed=2).harm("bit")
    calls = []

    def stop(name, done, total, read):
        calls.append(name)
        if name == step and calls.count(step) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fsck.start(system("command"), fsck.Options(read_data=True), report=stop)
    run = FsckRun.objects.get()
    assert (run.state, run.position["step"]) == ("interrupted", step)
    done = fsck.resume(system("command"))
    assert (done.pk, done.state, set(found(done))) == (run.pk, "done", harm.digests)
    assert done.counts["contents"] == Blob.objects.count()
    with pytest.raises(NotFound, match="interrupted"):
        fsck.resume(system("command"))


def test_a_run_that_seems_to_run_is_not_gone_on_with():
    run = FsckRun.objects.create()
    with pytest.raises(Conflict, match="running still"):
        fsck.resume(system("command"))
    FsckRun.objects.filter(pk=run.pk).update(seen_at=timezone.now() - timedelta(minutes=3))
    assert fsck.resume(system("command")).state == "done"


def test_a_storage_that_does_not_answer_is_no_damage(monkeypatch):
    people = make.people()
    fill(people, versions=1)

    def fail(self, name, offset=0, length=None):
        raise ConnectionError("the storage is away")

    monkeypatch.setattr("registry.storage.backends.local.LocalBackend.local_path", lambda self, name: None)
    monkeypatch.setattr("registry.storage.backends.local.LocalBackend.open", fail)
    with pytest.raises(Unavailable, match="the storage is away"):
        check()
    run = FsckRun.objects.get()
    assert (run.state, run.findings.count()) == ("interrupted", 0)


def test_a_disk_that_refuses_some_bytes_has_damaged_those(monkeypatch):
    people = make.people()
    fill(people, versions=1)
    bad = Blob.objects.order_by("offset")[3]
    whole = "registry.storage.backends.local.LocalBackend.open"
    from registry.storage.backends.local import LocalBackend

    real = LocalBackend.open

    def refuse(self, name, offset=0, length=None):
        if offset <= bad.offset < offset + length:
            raise OSError(5, "Input/output error")
        return real(self, name, offset, length)

    monkeypatch.setattr(whole, refuse)
    run = check(threads=1)
    assert [(one.kind, one.digest) for one in run.findings.all()] == [("unreadable", bad.sha256.hex())]


def test_the_speed_is_limited():
    slept = []
    pace = Pace(1000)
    pace._stopped.wait = lambda seconds: slept.append(seconds)
    for _ in range(5):
        pace.take(1000)
    assert 3.5 < max(slept) <= 5
    assert pace.bytes == 5000


def test_only_who_administers_may_check():
    people = make.people()
    for act in (lambda who: fsck.start(who, fsck.Options()), fsck.resume, fsck.last_runs, alarms.acknowledge):
        with pytest.raises(Forbidden):
            act(make.actor(people.alice))


# What rows say


def test_a_content_without_a_row_is_found_where_somebody_needs_it(small_nodes):
    people = make.people()
    (one,) = fill(people, versions=1, files=3)
    digest = damage.uses().keys().__iter__().__next__()
    Blob.objects.filter(sha256=bytes.fromhex(digest)).delete()
    run = check()
    (finding,) = run.findings.all()
    assert (finding.kind, finding.digest) == ("unknown", digest)
    assert [tuple(pair) for pair in finding.touched["first"]] == sorted(damage.uses()[digest])
    Version.objects.filter(pk=one.version_id).update(
        state="DELETED", deleted_at=timezone.now(), purged_at=timezone.now(), manifest=None
    )
    # Nobody's manifest reaches it any more: what is left of it waits for collection.
    assert [one.kind for one in check().findings.all()] == ["total"]


def test_a_draft_whose_bytes_are_still_to_come_is_right():
    people = make.people()
    who = make.actor(people.bob, "api")
    draft, _ = drafts.begin(who, project=make.project(people), collection="c", type="model")
    drafts.stage(who, draft=draft, lines=make.manifest_lines({"a": b"not sent yet"}))
    assert check().found == 0


def test_what_is_in_the_trash_is_needed_still():
    people = make.people()
    (one,) = fill(people, versions=1, files=3)
    versions.delete(make.actor(people.bob), membership=one, delete_aliases=True)
    Blob.objects.order_by("pk").first().delete()
    (finding,) = check().findings.all()
    assert finding.kind == "unknown"
    assert finding.touched["first"][0][0].endswith(":v0 (in the trash)")


def test_nodes_without_rows_and_rows_that_lie_are_found(small_nodes):
    people = make.people()
    fill(people, versions=2)
    root = Manifest.objects.first()
    lost = Chunk.objects.filter(kind="e", level=0).first()
    wrong = Chunk.objects.filter(kind="e", level=0).last()
    Chunk.objects.filter(pk=wrong.pk).update(entry_count=99, md5s=bytes(len(wrong.md5s)))
    Chunk.objects.filter(pk=lost.pk).delete()
    Chunk.objects.filter(sha256=root.folders_root).delete()
    run = check()
    kinds = sorted((one.kind, one.digest) for one in run.findings.all())
    assert kinds == sorted(
        [
            ("node-lost", lost.sha256.hex()),
            ("node-lost", bytes(root.folders_root).hex()),
            ("node-row", wrong.sha256.hex()),
            ("md5s", wrong.sha256.hex()),
        ]
    )
    assert all(one.touched["versions"] in (1, 2) for one in run.findings.all())


def test_rows_of_contents_that_lie_are_found():
    people = make.people()
    fill(people, versions=1, files=3)
    one, two = Blob.objects.order_by("pk")[:2]
    Blob.objects.filter(pk=one.pk).update(md5=bytes(16))
    Blob.objects.filter(pk=two.pk).update(size=two.size + 1)
    kinds = {(finding.kind, finding.digest) for finding in check(md5=True).findings.all()}
    assert {("md5", one.sha256.hex()), ("size", two.sha256.hex()), ("damaged", two.sha256.hex())} <= kinds


def test_an_object_that_has_grown_is_told_and_corrected():
    people = make.people()
    fill(people, versions=1, files=3)
    stored = StoredObject.objects.filter(name__startswith="packs/").first()
    with damage.path_of(stored.name).open("ab") as file:
        file.write(b"more")
    assert [one.kind for one in check().findings.all()] == ["object-size"]
    assert check(repair=True).left == 0
    assert check().found == 0


def test_versions_and_totals_are_compared_with_what_they_stand_for():
    people = make.people()
    one, *_ = fill(people, versions=2, files=2)
    Collection.objects.filter(pk=one.collection_id).update(version_count=0)
    Manifest.objects.filter(pk=one.version.manifest_id).update(total_size=1)
    run = check(read_data=False)
    assert sorted(one.kind for one in run.findings.all()) == ["total", "version"]
    assert "should be 1" in run.findings.get(kind="total").said
    repaired = check(read_data=False, repair=True)
    assert (repaired.found, repaired.left) == (2, 1)
    one.collection.refresh_from_db()
    assert one.collection.version_count == 1


# Objects that nobody knows


def lone(name, data, age=timedelta(days=3)):
    path = damage.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    at = (timezone.now() - age).timestamp()
    os.utime(path, (at, at))
    return path


def test_objects_without_rows_are_told_and_are_no_damage():
    lone("packs/aa/old", b"left behind")
    lone("packs/aa/new", b"somebody is about to record it", timedelta(hours=1))
    # It has the age of the last byte that came, and may be completed at this moment.
    upload = storage.begin_upload(make.people().team.entity, 1, 10).upload
    lone(f"large/aa/{upload.pk.hex}", b"0123456789")
    run = check()
    assert [(one.kind, one.object_name) for one in run.findings.all()] == [("orphan", "packs/aa/old")]
    assert (run.found, run.left, run.counts["orphans"]) == (0, 0, 1)


def test_what_waits_for_collection_is_counted_and_is_no_damage():
    people = make.people()
    (one,) = fill(people, versions=1, files=2)
    versions.delete(make.actor(people.bob), membership=one, delete_aliases=True)
    trash.purge_due(at=timezone.now() + timedelta(days=99))
    Manifest.objects.update(used_at=timezone.now() - timedelta(days=9))
    StoredObject.objects.create(name="packs/aa/x", size=0, created_at=timezone.now() - timedelta(days=9))
    lone("packs/aa/x", b"")
    run = check()
    assert (run.found, run.counts["unused_manifests"], run.counts["unused_objects"]) == (0, 1, 1)


def test_a_repair_leaves_objects_without_rows_to_the_collector_and_deletes_nothing():
    path = lone("packs/aa/old", b"left behind")
    assert check(repair=True, dry_run=True).findings.get().outcome == "planned"
    assert not StoredObject.objects.exists()
    run = check(repair=True)
    doomed = StoredObject.objects.get()
    assert (doomed.name, doomed.state, doomed.size) == ("packs/aa/old", "doomed", 11)
    assert path.exists()
    assert run.left == 0
    # What is doomed is neither missing nor lone.
    path.unlink()
    assert list(check().findings.all()) == []


# Every day


def test_each_day_looks_at_another_part_until_all_was_seen(monkeypatch, settings):
    people = make.people()
    fill(people, versions=10, files=1)
    settings.FSCK_DAILY_PERCENT = 25
    today = timezone.now()
    seen = []
    for day in range(4):
        monkeypatch.setattr(fsck, "now", lambda day=day: today + timedelta(days=day))
        seen.append(fsck.daily(system())["objects"])
    assert sum(seen) == StoredObject.objects.count()
    assert {run.by for run in FsckRun.objects.all()} == {"clock"}


def test_a_store_too_large_for_a_day_is_cut_into_more_parts(settings):
    settings.FSCK_DAILY_LIMIT = 10
    StoredObject.objects.create(name="large/x", size=10_000)
    fsck.daily(system())
    assert FsckRun.objects.get().parts == 1000


def test_a_day_that_is_too_short_tells_what_it_saw(settings, monkeypatch):
    people = make.people()
    (one,) = fill(people, versions=1, files=2)
    settings.FSCK_DAILY_PERCENT = 100
    spoilt = Blob.objects.select_related("object").first()
    damage.write(damage.path_of(spoilt.object.name), spoilt.offset, bytes(spoilt.size))
    monkeypatch.setattr(fsck, "_DAILY_SECONDS", 100)
    clock = iter([0.0, *([50.0] * 12)])
    monkeypatch.setattr("registry.services.fsck_work.time.monotonic", lambda: next(clock, 1000.0))
    fsck.daily(system())
    run = FsckRun.objects.get()
    assert (run.state, run.counts.get("cut_short")) == ("done", 1)
    for finding in run.findings.all():
        assert finding.touched["first"][0][0] == one.qualified_name


def test_the_daily_check_can_be_switched_off(settings):
    settings.FSCK_DAILY_PERCENT = 0
    assert fsck.daily(system()) == {}
    assert not FsckRun.objects.exists()


def test_old_runs_are_forgotten_but_for_those_that_warn(monkeypatch):
    monkeypatch.setattr(fsck, "KEPT_RUNS", 2)
    people = make.people()
    fill(people, versions=1, files=1)
    Blob.objects.first().delete()
    first = check(part=1, parts=1)
    assert first.alarming
    for _ in range(4):
        check()
    assert FsckRun.objects.filter(pk=first.pk).exists() is first.alarming

"""Garbage collection: what is needed stays whoever does what beside it, and what isn't comes back in the end."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import timedelta

import pytest
from django.utils import timezone
from strongroom.core.manifest import read_lines

from registry import manifests, storage
from registry.errors import Damaged, Forbidden, NotFound, Unavailable
from registry.manifests import cache
from registry.manifests.marking import Sweep
from registry.manifests.staging import Builder
from registry.models import Blob, Chunk, Collector, Event, Manifest, Membership, StoredObject, Version
from registry.services import collecting, drafts, files, projects, trash, uploads, versions
from registry.storage import backends, compaction, objects, reclaiming
from tests import factories as make

pytestmark = pytest.mark.django_db
SHARED, OWN, OTHER = b"shared" * 100, b"own" * 10_000, b"other" * 100


@pytest.fixture(autouse=True)
def _store_of_its_own(tmp_path, settings):
    """What other tests left on the disk would be orphans here."""
    blobs = {"BACKEND": settings.STORAGES["blobs"]["BACKEND"], "OPTIONS": {"location": tmp_path / "blobs"}}
    settings.STORAGES = {**settings.STORAGES, "blobs": blobs}
    settings.INCOMING_DIR = tmp_path / "incoming"


@pytest.fixture
def root(people):
    return make.actor(people.root)


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, files={"own.bin": OWN, "shared.bin": SHARED})


@pytest.fixture
def v1(people, project, v0):
    return make.log(people.bob, project, files={"other.bin": OTHER, "shared.bin": SHARED})


def later(days: float = 2) -> timezone.datetime:
    return timezone.now() + timedelta(days=days)


def purge(who, membership: Membership) -> None:
    versions.delete(who, membership=membership, delete_aliases=True)
    trash.purge_due(later(30))


def content(who, membership: Membership, path: str) -> bytes:
    entry, blob = files.content(who, membership, path)
    with storage.open_blob(blob) as opened:
        return opened.read()


def stored_files() -> set[str]:
    return {listed.name for listed in backends.current().walk()}


def is_whole(who, membership: Membership) -> bool:
    return all(content(who, membership, entry.path) for entry in files.entries(who, membership))


def test_what_only_a_purged_version_had_comes_back_and_the_rest_stays(root, bob, v0, v1):
    purge(bob, v0)
    before = stored_files()
    done = collecting.collect(root, at=later())
    assert (done.found.manifests, done.found.blobs, done.found.bytes) == (1, 1, len(OWN))
    assert done.is_whole
    assert done.compacted == 1, "the shared file lay beside the large one, which is gone"
    assert stored_files() >= before, "bytes go a round later than their rows"
    again = collecting.collect(root, at=later(4))
    assert again.objects == done.doomed > 0
    assert again.freed >= len(OWN)
    assert len(stored_files() & before) < len(before)
    assert content(bob, v1, "shared.bin") == SHARED
    assert content(bob, v1, "other.bin") == OTHER
    assert stored_files() == set(StoredObject.objects.values_list("name", flat=True))
    told = Event.objects.get(act="storage.collect")
    assert told.after == {"blobs": 1, "size": len(OWN)}


def test_when_all_is_purged_nothing_is_left(root, bob, v0, v1):
    purge(bob, v0)
    purge(bob, v1)
    for days in (2, 4, 6):
        collecting.collect(root, at=later(days))
    assert stored_files() == set()
    for model in (Blob, Chunk, Manifest, StoredObject):
        assert not model.objects.exists()


def test_the_trash_and_drafts_need_their_bytes(root, people, project, bob, v0, v1):
    versions.delete(bob, membership=v0, delete_aliases=True)
    draft, _ = drafts.begin(bob, project=project, collection="draft", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({"draft.bin": b"draft"}))
    make.send(bob, draft, {"draft.bin": b"draft"})
    done = collecting.collect(root, at=later())
    assert done.found == collecting.Counted()
    assert content(bob, drafts.commit(bob, draft=draft).membership, "draft.bin") == b"draft"
    assert trash.restore(bob, membership=v0)
    assert is_whole(bob, v0)


def test_what_is_young_is_kept(root, bob, v0):
    purge(bob, v0)
    done = collecting.collect(root, at=timezone.now() + timedelta(hours=23))
    assert (done.found.blobs, done.doomed) == (0, 0)
    assert done.found.waiting_bytes == 0, "as long as the manifest is there, it names them"
    Manifest.objects.update(used_at=later(-3))
    Chunk.objects.update(used_at=later(-3))
    done = collecting.collect(root, at=timezone.now())
    assert (done.found.chunks > 0, done.found.blobs) == (True, 0)
    assert done.found.waiting_bytes == len(OWN) + len(SHARED)


def test_a_preview_tells_what_a_round_then_does_and_changes_nothing(root, bob, v0, v1):
    purge(bob, v0)
    rows = [model.objects.count() for model in (Manifest, Chunk, Blob, StoredObject)]
    told = collecting.preview(root, at=later())
    assert rows == [model.objects.count() for model in (Manifest, Chunk, Blob, StoredObject)]
    done = collecting.collect(root, at=later())
    assert told.found == done.found
    assert told.found.bytes == len(OWN)


def deep(count: int) -> dict[str, bytes]:
    return {f"d{at % 7}/{at:05}.bin": b"%d" % at for at in range(count)}


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("lost", [True, False], ids=["lost", "damaged"])
def test_where_a_needed_part_cannot_be_read_nothing_is_given_up(root, people, project, bob, v0, level, lost):
    kept = make.log(people.bob, project, "deep", files=deep(4000))
    part = Chunk.objects.filter(kind="e", level=level, entry_count__gt=10).last()
    if lost:
        Chunk.objects.filter(pk=part.pk).delete()
    else:
        Chunk.objects.filter(pk=part.pk).update(object=None, offset=0, data=b"nonsense")
    cache.shared.clear()
    purge(bob, v0)
    blobs = Blob.objects.count()
    for days in (2, 4):
        done = collecting.collect(root, at=later(days))
        assert [name for name, _ in done.skipped] == [project.entity.name]
        assert done.found.blobs == 0
    assert Blob.objects.count() == blobs
    assert kept.version.manifest is not None


@pytest.mark.django_db(transaction=True)
def test_a_staging_that_began_before_bytes_were_given_up_is_refused_whole(root, project, bob, v0):
    lines = make.manifest_lines({"own.bin": OWN, "new.bin": b"new"})
    builder = Builder(project.entity)
    for entry in read_lines(lines):
        builder.add(entry)
    purge(bob, v0)
    collecting.collect(root, at=later())
    with pytest.raises(Unavailable, match="send it again"):
        builder.finish()
    builder.close()
    assert not Manifest.objects.exists()
    staged = manifests.stage(project.entity, read_lines(lines))
    assert staged.missing_count == 2


def test_a_staging_beside_a_round_keeps_what_it_relies_on(root, project, bob, v0):
    purge(bob, v0)
    sweep = Sweep(project.entity_id, later(1))
    steps = sweep.run()
    staged = None
    for _ in steps:
        if staged is None and not Chunk.objects.exists():
            # All is marked, and the blobs of the purged version are next.
            staged = manifests.stage(project.entity, read_lines(make.manifest_lines({"own.bin": OWN})))
            assert staged.missing_count == 0
    assert staged is not None
    assert sweep.counted.blobs == 1, "only the other file went"
    assert Blob.objects.get().size == len(OWN)
    assert manifests.seal(staged.manifest).digest


def age() -> None:
    """Make everything old enough to be given up."""
    Manifest.objects.update(used_at=later(-10))
    Chunk.objects.update(used_at=later(-10))
    Blob.objects.update(created_at=later(-10))


def test_a_manifest_that_is_staged_again_keeps_its_parts(root, project, bob, v0):
    purge(bob, v0)
    age()
    lines = make.manifest_lines({"own.bin": OWN, "shared.bin": SHARED})
    steps = Sweep(project.entity_id, timezone.now()).run()
    next(steps)  # the manifest is deleted
    assert not Manifest.objects.exists()
    staged = manifests.stage(project.entity, read_lines(lines))
    Chunk.objects.update(used_at=later(-10))
    for _ in steps:
        pass
    assert [entry.path for entry in manifests.entries(staged.manifest)] == ["own.bin", "shared.bin"]
    assert Blob.objects.count() == 2


def test_blobs_that_come_again_are_protected_anew(root, project, bob, v0):
    purge(bob, v0)
    Blob.objects.update(created_at=later(-10))
    draft, _ = drafts.begin(bob, project=project, collection="next", type="model")
    make.send(bob, draft, {"own.bin": OWN})
    Manifest.objects.update(used_at=later(-10))
    Chunk.objects.update(used_at=later(-10))
    collecting.collect(root, at=timezone.now())
    assert Blob.objects.get().size == len(OWN)


def test_what_a_dead_process_left_is_claimed_first_and_deleted_a_round_later(root, v0):
    name = objects.new_name("packs")
    backends.current().put(name, io.BytesIO(b"left behind"))
    done = collecting.collect(root, at=later())
    assert (done.orphans, done.orphan_bytes) == (1, 11)
    assert backends.current().exists(name)
    # Its writer lives after all, and is about to write the rows: it is told to send again.
    with pytest.raises(Unavailable), objects.recorded(name):
        StoredObject.objects.create(name=name, size=11)
    backends.current().put(name, io.BytesIO(b"left behind"))
    collecting.collect(root, at=later(4))
    assert not backends.current().exists(name)
    assert not StoredObject.objects.filter(name=name).exists()


def test_an_orphan_is_left_alone_while_it_is_young(root, v0):
    name = objects.new_name("large")
    backends.current().put(name, io.BytesIO(b"on its way"))
    assert collecting.collect(root, at=timezone.now()).orphans == 0
    path = backends.current().local_path(name)
    os.utime(path, (0, 0))
    assert collecting.collect(root, at=timezone.now()).orphans == 1


def test_a_storage_that_fails_to_delete_is_tried_again(root, bob, v0, monkeypatch):
    purge(bob, v0)
    collecting.collect(root, at=later())
    doomed = StoredObject.objects.filter(state="doomed").count()

    def refuse(self, name):
        raise OSError("read-only")

    with monkeypatch.context() as patch:
        patch.setattr(backends.LocalBackend, "delete", refuse)
        refused = collecting.collect(root, at=later(4))
        assert (refused.objects, refused.freed, refused.undeleted) == (0, 0, doomed)
    assert StoredObject.objects.filter(state="doomed").count() == doomed
    assert collecting.collect(root, at=later(6)).objects == doomed


def test_a_doomed_object_that_has_rows_after_all_is_kept(root, bob, v0):
    StoredObject.objects.update(state="doomed", doomed_at=later(-10))
    assert collecting.collect(root, at=timezone.now()).objects == 0
    assert is_whole(bob, v0)
    assert not StoredObject.objects.filter(state="doomed").exists()


def test_rows_are_not_written_for_an_object_that_is_doomed(project, v0):
    builder = Builder(project.entity)
    for entry in read_lines(make.manifest_lines(deep(3000))):
        builder.add(entry)
    prepared = builder.prepare()
    newest = StoredObject.objects.filter(name__startswith="nodes/").latest("pk")
    for _ in reclaiming.doom(later(), later()):
        pass
    newest.refresh_from_db()
    assert newest.state == "doomed"
    with pytest.raises(Unavailable):
        prepared.record()
    builder.close()


def test_who_looked_a_place_up_before_it_moved_still_reads(root, bob, v0, v1):
    blob = Blob.objects.select_related("object").get(size=len(SHARED))
    stale = storage.send_bundle(blob.scope, [bytes(blob.sha256)])
    purge(bob, v0)
    for days in (2, 4):
        collecting.collect(root, at=later(days))
    assert not backends.current().exists(blob.object.name)
    with storage.open_blob(blob) as opened:
        assert opened.read() == SHARED
    assert b"".join(stale).endswith(SHARED)
    assert Blob.objects.get(pk=blob.pk).damaged_at is None


def test_parts_of_manifests_are_compacted_and_still_read(root, people, project, bob):
    old = make.log(people.bob, project, "deep", files=deep(4000))
    kept = make.log(people.bob, project, "deep", files={**deep(300), "z.bin": b"z"})
    purge(bob, old)
    for days in (2, 4, 6):
        done = collecting.collect(root, at=later(days))
        assert done.skipped == []
    assert len(list(files.entries(bob, kept))) == 301
    assert is_whole(bob, kept)


def test_compaction_leaves_what_is_damaged_where_it_is(root, bob, v0, v1):
    blob = Blob.objects.select_related("object").get(size=len(SHARED))
    path = backends.current().local_path(blob.object.name)
    data = bytearray(path.read_bytes())
    data[blob.offset] ^= 1
    path.write_bytes(data)
    purge(bob, v0)
    collecting.collect(root, at=later())
    same = Blob.objects.get(pk=blob.pk)
    assert (same.object_id, same.offset) == (blob.object_id, blob.offset)
    with pytest.raises(Damaged):
        content(bob, v1, "shared.bin")


def test_two_who_compact_at_once_keep_one_copy(bob, v0, v1):
    purge(bob, v0)
    for _ in Sweep(v0.version.sequence.project.entity_id, later()).run():
        pass
    rounds = [compaction.compact(later()), compaction.compact(later())]
    assert sum(size > 0 for each in rounds for _, size in each) == 1
    assert content(bob, v1, "shared.bin") == SHARED


def test_a_round_is_stopped_between_two_steps(root, bob, v0, v1):
    purge(bob, v0)
    seen = []

    def tell(counts):
        seen.append(counts)
        collecting.stop(root)

    done = collecting.collect(root, at=later(), tell=tell)
    assert not done.is_whole
    assert len(seen) == 1
    assert collecting.collect(root, at=later()).is_whole
    assert is_whole(bob, v1)


def test_entities_that_waited_longest_come_first(root, people, project, v0):
    mine = make.log(people.alice, make.project(people), files={"a": b"a"})
    collecting.collect(root, at=later())
    Collector.objects.filter(scope=project.entity).update(collected_at=None)
    assert [row.pk for row in collecting._waiting(later(9), later(9))][0] == project.entity_id
    assert mine.version.manifest.scope_id in [row.pk for row in collecting._waiting(later(9), later(9))]


@pytest.mark.parametrize("act", [collecting.collect, collecting.preview, collecting.stop])
def test_only_admins_of_the_installation_may(act, alice):
    with pytest.raises(Forbidden):
        act(alice)


def test_a_purged_version_is_gone_for_good_and_says_so(root, bob, v0):
    purge(bob, v0)
    collecting.collect(root, at=later())
    assert Version.objects.get(pk=v0.version_id).manifest is None


def test_a_round_that_goes_on_leaves_out_what_it_has_looked_through_and_ends(root, people, project, v0):
    make.log(
        people.alice,
        projects.create(make.actor(people.alice), entity=people.alice.entity, name="own"),
        files={"a": b"a"},
    )
    began, seen = timezone.now(), []
    for at in range(1, 4):
        done = collecting.collect(root, at=began + timedelta(minutes=at), began=began, longest_seconds=-at)
        seen.append((done.entities, done.is_out_of_time))
    assert seen == [(0, True)] * 3
    done = collecting.collect(root, at=began + timedelta(minutes=4), began=began)
    assert (done.entities, done.is_whole) == (2, True)
    done = collecting.collect(root, at=began + timedelta(minutes=5), began=began)
    assert (done.entities, done.is_whole) == (0, True)
    assert collecting.collect(root, at=began + timedelta(minutes=6)).entities == 2


def test_a_worker_hands_a_round_on_until_it_is_done(root, v0, monkeypatch):
    handed = []
    monkeypatch.setattr(collecting.queue, "send", lambda *given: handed.append(given))
    monkeypatch.setattr(collecting, "LONGEST_SECONDS", -1)
    collect = collecting.collect
    monkeypatch.setattr(collecting, "collect", lambda *a, **k: collect(*a, **{"longest_seconds": -1, **k}))
    collecting.work(root, None, tell=lambda counts: None)
    [(task, began)] = handed
    monkeypatch.setattr(collecting, "collect", collect)
    collecting.work(root, began, tell=lambda counts: None)
    assert len(handed) == 1


def test_the_end_of_a_worker_s_time_is_no_failure_of_the_storage(root, bob, v0, monkeypatch):
    class TimeIsUp(Exception):
        pass

    def stop(self, name):
        raise TimeIsUp

    purge(bob, v0)
    collecting.collect(root, at=later())
    monkeypatch.setattr(collecting.jobs, "STOPS", [TimeIsUp])
    monkeypatch.setattr(backends.LocalBackend, "delete", stop)
    with pytest.raises(TimeIsUp):
        collecting.collect(root, at=later(4))


def test_a_leaf_that_another_round_deletes_is_no_damage(root, project, bob, v0):
    make.log(bob.user, project, "other", files={"o": b"o"})
    purge(bob, v0)
    cache.shared.clear()
    sweep = Sweep(project.entity_id, later(1))
    leaf = Chunk.objects.filter(kind="e", level=0).first()
    gone = bytes(leaf.sha256)
    Chunk.objects.filter(pk=leaf.pk).delete()
    assert sweep._named([gone]) == set()


def test_an_upload_whose_blob_was_collected_is_begun_anew(root, people, project, bob):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    upload, _ = uploads.begin(bob, draft=draft, size=len(OWN))
    uploads.append(bob, upload=upload, number=1, offset=0, stream=io.BytesIO(OWN), length=len(OWN))
    digest = hashlib.sha256(OWN).hexdigest()
    uploads.complete(bob, upload=uploads.find(bob, upload.pk), sha256=digest)
    collecting.collect(root, at=later())
    assert not Blob.objects.exists()
    with pytest.raises(NotFound, match="Begin a new one"):
        uploads.complete(bob, upload=uploads.find(bob, upload.pk), sha256=digest)

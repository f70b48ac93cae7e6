"""Mending: from equal copies wherever they lie, from what is sound; and a dry run changes nothing."""

from __future__ import annotations

import hashlib
import io
import random

import pytest

from registry import manifests, storage
from registry.actor import system
from registry.models import Blob, Chunk, Event, Manifest, StoredObject
from registry.services import fsck, uploads
from registry.storage import copies, frames
from tests import factories as make
from tests.services.test_fsck import check, fill, lone, own_store, small_nodes  # noqa: F401  # fixtures
from tests.support import damage

pytestmark = pytest.mark.django_db
MIB = 1 << 20


def spoil(blob):
    damage.write(damage.path_of(blob.object.name), blob.offset, bytes(blob.size))


def mended(what="blobs", kind="damaged"):
    """Check first without and then with a dry run, which change nothing; then mend, and check again."""
    before = check()
    assert kind in {one.kind for one in before.findings.all()}
    planned = check(repair=True, dry_run=True)
    assert planned.left == before.left
    assert {one.outcome for one in planned.findings.wrong()} == {"planned"}
    run = check(repair=True)
    assert (run.found, run.left) == (before.found, 0)
    assert check(md5=True).found == 0
    assert Event.objects.filter(act="store.repair").count() == 1


def test_damage_is_healed_from_the_copy_of_another_team():
    one, other = make.people(), make.people()
    files = {"a": b"the same in both teams", "b": b"more"}
    make.log(one.bob, make.project(one), files=files)
    make.log(other.bob, make.project(other), files=files)
    spoil(Blob.objects.select_related("object").filter(scope=one.team.entity).first())
    mended()


def test_a_large_content_is_healed_from_the_copy_of_another_team(monkeypatch):
    data = random.Random(1).randbytes(MIB + 1000)
    for _ in range(2):
        people = make.people()
        who = make.actor(people.bob, "api")
        from registry.services import drafts

        draft, _ = drafts.begin(who, project=make.project(people), collection="c", type="m")
        drafts.stage(who, draft=draft, lines=make.manifest_lines({"large": data}))
        upload, _ = uploads.begin(who, draft=draft, size=len(data), parts=1)
        uploads.append(who, upload=upload, number=1, offset=0, stream=io.BytesIO(data), length=len(data))
        uploads.complete(who, upload=upload, sha256=hashlib.sha256(data).hexdigest())
        drafts.commit(who, draft=draft)
    spoil(Blob.objects.select_related("object").order_by("pk").first())
    mended()


def test_a_lost_row_is_made_again_from_the_pack_that_describes_itself():
    people = make.people()
    fill(people, versions=1, files=4)
    kept = Blob.objects.order_by("pk").first()
    Blob.objects.filter(pk=kept.pk).delete()
    mended(kind="unknown")
    again = Blob.objects.get(sha256=kept.sha256)
    assert (again.object_id, again.offset, again.size, again.md5) == (
        kept.object_id,
        kept.offset,
        kept.size,
        kept.md5,
    )


def test_a_lost_object_is_brought_back_from_one_that_no_row_knows():
    people = make.people()
    fill(people, versions=1, files=4)
    pack = StoredObject.objects.get(name__startswith="packs/")
    data = damage.path_of(pack.name).read_bytes()
    damage.path_of(pack.name).unlink()
    lone("packs/ff/left-behind", data)
    mended(kind="missing")
    assert StoredObject.objects.get(name="packs/ff/left-behind").state == "doomed"


def test_a_lost_large_object_is_brought_back_from_one_that_no_row_knows(monkeypatch):
    monkeypatch.setattr("registry.storage.copies.frame_limit", lambda: 1000)
    people = make.people()
    data = random.Random(1).randbytes(5000)
    make.log(people.bob, make.project(people), files={"a": data})
    pack = StoredObject.objects.get(name__startswith="packs/")
    damage.path_of(pack.name).unlink()
    lone("large/ff/left-behind", data)
    mended(kind="missing")


def test_a_content_is_brought_back_from_an_upload_that_was_left_behind():
    people = make.people()
    data = random.Random(1).randbytes(5000)
    make.log(people.bob, make.project(people), files={"a": data})
    digest = hashlib.sha256(data).digest()
    upload = storage.begin_upload(people.team.entity, 99, len(data), sha256=digest).upload
    storage.append_part(upload, 1, 0, io.BytesIO(data), len(data))
    damage.path_of(StoredObject.objects.get(name__startswith="packs/").name).unlink()
    mended(kind="missing")


def test_what_has_no_copy_stays_wrong_and_is_healed_by_an_upload():
    people = make.people()
    fill(people, versions=1, files=2)
    blob = Blob.objects.select_related("object").first()
    data = storage.read_blob(blob)
    spoil(blob)
    run = check(repair=True)
    assert (run.found, run.left) == (1, 1)
    body = frames.head(blob.sha256, blob.size) + data
    assert storage.receive_bundle(people.team.entity, io.BytesIO(body), len(body)).stored == 1
    assert check().found == 0


def test_a_damaged_node_is_healed_from_that_of_another_team(small_nodes):  # noqa: F811  # the fixture
    files = {f"f{n}": b"%d" % n for n in range(40)}
    for _ in range(2):
        people = make.people()
        make.log(people.bob, make.project(people), files=files)
    one = Chunk.objects.select_related("object").filter(kind="e", level=0).first()
    damage.flip(damage.path_of(one.object.name), one.offset + one.length - 1, random.Random(1))
    other = Chunk.objects.filter(scope=one.scope_id, kind="e", level=0).exclude(pk=one.pk).first()
    other.delete()
    mended(kind="node")
    manifest = Manifest.objects.get(scope=one.scope_id)
    assert [entry.path for entry in manifests.entries(manifest)] == sorted(files)


def test_a_lost_list_of_folders_is_made_again_from_the_entries(small_nodes):  # noqa: F811  # the fixture
    people = make.people()
    fill(people, versions=1, files=30)
    manifest = Manifest.objects.get()
    root = Chunk.objects.select_related("object").get(sha256=manifest.folders_root)
    damage.flip(damage.path_of(root.object.name), root.offset + root.length // 2, random.Random(1))
    mended(kind="node")
    assert manifests.folder(manifest).folders


def test_rows_of_nodes_and_md5s_are_corrected(small_nodes):  # noqa: F811  # the fixture
    people = make.people()
    fill(people, versions=1, files=30)
    leaf = Chunk.objects.filter(kind="e", level=0).last()
    Chunk.objects.filter(pk=leaf.pk).update(entry_count=99, md5s=bytes(len(leaf.md5s)))
    mended(kind="md5s")
    assert Chunk.objects.get(pk=leaf.pk).md5s == leaf.md5s


def test_of_two_md5s_that_differ_the_bytes_tell_which_is_right(small_nodes):  # noqa: F811  # the fixture
    people = make.people()
    fill(people, versions=1, files=5)
    blob = Blob.objects.first()
    Blob.objects.filter(pk=blob.pk).update(md5=bytes(16))
    held = {chunk.pk: chunk.md5s for chunk in Chunk.objects.filter(kind="e")}
    assert {one.kind for one in check().findings.all()} == {"md5s"}
    assert check(repair=True).left == 0
    assert Blob.objects.get(pk=blob.pk).md5 == blob.md5
    assert {chunk.pk: chunk.md5s for chunk in Chunk.objects.filter(kind="e")} == held


def test_a_name_that_a_writer_takes_meanwhile_is_not_dropped():
    lone("packs/aa/old", b"left behind")
    run = fsck.start(system("command"), fsck.Options())
    StoredObject.objects.create(name="packs/aa/old", size=11)
    assert copies.claim([run.findings.get().object_name], run.started_at) == 0
    assert StoredObject.objects.get().state == "live"

"""The whole server with its blobs in each kind of object store: all that lies on a disk by default."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone

from registry import storage
from registry.actor import system
from registry.errors import Unavailable
from registry.manifests import boundaries, cache
from registry.models import Blob, JobRun, StoredObject
from registry.services import archives, collecting, drafts, files, fsck, trash, uploads, versions
from registry.storage import backends
from registry.storage.compaction import compact
from registry.storage.trouble import StoreError, Trouble
from tests import factories as make
from tests.support import damage

pytestmark = pytest.mark.django_db
MIB = 1 << 20


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.INCOMING_DIR = tmp_path / "incoming"
    cache.shared.clear()
    yield tmp_path
    cache.shared.clear()


@pytest.fixture
def small_nodes(monkeypatch):
    """Cut every few entries, and keep no node in its row: so that nodes lie in objects."""
    monkeypatch.setattr(boundaries, "LEAF", boundaries.Rule(mean=6, fewest=2, most=12))
    monkeypatch.setattr(boundaries, "INDEX", boundaries.Rule(mean=4, fewest=2, most=6))
    monkeypatch.setattr("registry.manifests.writer._INLINE_BYTES", 0)


@pytest.fixture
def project(people):
    return make.project(people)


def log_large(who, project, name: str, data: bytes, parts: int = 3):
    """Log one large file, in parts."""
    draft, _ = drafts.begin(who, project=project, collection=name, type="model")
    drafts.stage(who, draft=draft, lines=make.manifest_lines({"weights.bin": data}))
    digest = hashlib.sha256(data).hexdigest()
    upload, _ = uploads.begin(who, draft=draft, size=len(data), sha256=digest, parts=parts)
    for part in upload.parts.all():
        body = data[part.offset : part.offset + part.size]
        uploads.append(
            who, upload=upload, number=part.number, offset=0, stream=io.BytesIO(body), length=part.size
        )
    uploads.complete(who, upload=upload, sha256=digest)
    return drafts.commit(who, draft=draft).membership


def content(who, membership, path: str, start: int = 0, length: int | None = None) -> bytes:
    _, blob = files.content(who, membership, path)
    with storage.open_blob(blob, start, length) as opened:
        return opened.read()


def later(days: float) -> timezone.datetime:
    return timezone.now() + timedelta(days=days)


def test_small_and_large_files_are_logged_and_read(anywhere, people, project, bob, small_nodes):
    small = {f"d{n % 7}/{n:03}.bin": str(n).encode() * 50 for n in range(80)}
    row = make.log(people.bob, project, "small", files=small)
    assert all(content(bob, row, path) == data for path, data in small.items())
    data = bytes(range(256)) * (20 * MIB // 256)
    large = log_large(bob, project, "large", data)
    assert hashlib.sha256(content(bob, large, "weights.bin")).digest() == hashlib.sha256(data).digest()
    assert content(bob, large, "weights.bin", 7 * MIB + 1, 5) == data[1:6]
    assert {found.name.partition("/")[0] for found in backends.current().walk()} == {
        "packs",
        "large",
        "nodes",
    }
    scope = project.entity
    sent = b"".join(storage.send_bundle(scope, [hashlib.sha256(each).digest() for each in small.values()]))
    assert len(sent) == sum(len(each) + 40 for each in small.values())
    packed = zipfile.ZipFile(io.BytesIO(b"".join(archives.zipped(bob, row))))
    assert {name: packed.read(name) for name in packed.namelist()} == small


def test_unused_bytes_are_given_back_and_worn_packs_written_anew(anywhere, people, project, bob):
    own, shared = b"own" * 10_000, b"shared" * 100
    first = make.log(people.bob, project, files={"own.bin": own, "shared.bin": shared})
    second = make.log(people.bob, project, files={"other.bin": b"other", "shared.bin": shared})
    versions.delete(bob, membership=first, delete_aliases=True)
    trash.purge_due(later(30))
    root = make.actor(people.root)
    done = collecting.collect(root, at=later(2))
    assert (done.is_whole, done.compacted) == (True, 1)
    again = collecting.collect(root, at=later(4))
    assert again.objects > 0
    assert content(bob, second, "shared.bin") == shared
    names = {listed.name for listed in backends.current().walk()}
    assert names == set(StoredObject.objects.values_list("name", flat=True))


def test_what_no_row_knows_is_claimed_and_deleted(anywhere, people, project):
    make.log(people.bob, project)
    backends.current().put("packs/ab/left-behind", io.BytesIO(b"left behind"))
    root = make.actor(people.root)
    assert collecting.collect(root, at=later(2)).orphans == 1
    collecting.collect(root, at=later(4))
    assert not backends.current().exists("packs/ab/left-behind")


def test_a_pack_is_written_anew_with_few_requests(anywhere, people, project, bob, monkeypatch):
    many = {f"{n:04}.bin": n.to_bytes(4, "big") * 30 for n in range(400)}
    make.log(people.bob, project, files=many)
    Blob.objects.filter(
        sha256__in=[hashlib.sha256(many[f"{n:04}.bin"]).digest() for n in range(300)]
    ).delete()
    asked = []
    kind = type(backends.current())
    real = kind.open
    monkeypatch.setattr(kind, "open", lambda self, *place: asked.append(place) or real(self, *place))
    assert [size > 0 for _, size in compact(later(2))] == [True]
    assert len(asked) == 1


@pytest.mark.parametrize("what", ["blobs", "chunks"])
def test_a_check_finds_what_is_damaged_and_nothing_else(anywhere, people, project, small_nodes, what):
    for number in range(6):
        common = {f"common/{n}": str(n).encode() * 100 for n in range(5)}
        more = {f"d{n % 4}/{n}": f"{number}-{n}".encode() * 40 for n in range(20)}
        make.log(people.bob, project, f"c{number}", common | more)

    def check():
        run = fsck.start(system("command"), fsck.Options(read_data=True))
        return {one.digest: one.touched for one in run.findings.all() if one.digest}

    assert check() == {}
    harmer = damage.Harmer(seed=3, what=what)
    harms = [harmer.harm(kind) for kind in ("bit", "truncated", "missing")]
    assert set(check()) == set().union(*(harm.digests for harm in harms))


def test_what_is_lost_comes_back_from_another_team_s_copy(anywhere, people):
    data = {"a.bin": b"a" * 5000}
    others = make.people()
    for each in (people, others):
        make.log(each.bob, make.project(each), files=data)
    one = Blob.objects.select_related("object").get(scope=people.team.entity)
    backends.current().delete(one.object.name)
    run = fsck.start(system("command"), fsck.Options(read_data=True, repair=True))
    assert (run.found, run.left) == (1, 0)
    assert storage.read_blob(Blob.objects.get(pk=one.pk)) == data["a.bin"]


def test_parts_that_were_never_finished_are_aborted_by_the_clock(anywhere, settings, people):
    from celery_worker.tasks import abort_parts

    backend = backends.current()
    backend.begin_parts("large/ab/1")
    if anywhere != "s3":
        # The others know an upload only once a part of it arrived.
        from tests.storage.test_stores import send

        send(backend, backend.begin_parts("large/ab/whole"), 1, b"one")
    assert uploads.abort_parts(timezone.now()) == 0 or anywhere == "s3"  # its server says 2010 of all of them
    settings.PROTECTION_SECONDS = 1
    backend.begin_parts("large/ab/1")
    uploads.abort_parts(later(1))
    assert list(backend.walk_parts()) == []
    abort_parts()
    assert JobRun.objects.get(task="uploads.abort_parts").state == JobRun.State.DONE


def test_parts_of_objects_that_are_still_sent_are_left(kept_in, s3_store):
    kept_in("s3", s3_store)
    backend = backends.current()
    backend.begin_parts("large/ab/alive")
    backend.begin_parts("large/ab/dead")
    assert storage.abort_parts(later(1), {"large/ab/alive"}) == 1
    assert [found.name for found in backend.walk_parts()] == ["large/ab/alive"]


def test_a_store_that_does_not_answer_is_no_damage(kept_in, s3_store, people, project, monkeypatch):
    kept_in("s3", s3_store)
    row = make.log(people.bob, project)

    def silent(*_, **__):
        raise StoreError(Trouble.SILENT)

    backend = backends.current()
    for name in ("size", "fetch", "walk"):
        with monkeypatch.context() as patch:
            patch.setattr(backend, name, silent)
            with pytest.raises(Unavailable, match="does not answer"):
                fsck.start(system("command"), fsck.Options(read_data=True))
            if name == "fetch":
                blob = Blob.objects.select_related("object").get()
                with pytest.raises(Unavailable):
                    storage.read_blob(blob)
    assert not Blob.objects.exclude(damaged_at=None).exists()
    assert row.version.manifest is not None

"""Moving to another storage while the installation runs: nothing is lost, whatever interrupts it."""

from __future__ import annotations

import io
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from registry.actor import system
from registry.models import Blob, StoredObject
from registry.services import moving
from registry.storage import backends
from registry.storage.blobs import read_blob
from registry.storage.moving import Move
from registry.storage.trouble import StoreError, Trouble
from tests import factories as make
from tests.storage.helpers import sha

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    """Give each test a disk of its own."""
    settings.DATA_DIR = tmp_path
    settings.INCOMING_DIR = tmp_path / "incoming"
    local = {
        "BACKEND": "registry.storage.backends.local.LocalBlobStorage",
        "OPTIONS": {"location": tmp_path / "blobs"},
    }
    settings.STORAGES = {**settings.STORAGES, "blobs": local}
    return tmp_path


@pytest.fixture
def logged():
    """Give a version of some files; more can be logged."""
    people = make.people()
    project = make.project(people)

    def log(name: str, **files: bytes):
        return make.log(people.bob, project, name=name, files=files)

    log("first", a=b"a" * 3000, b=b"b" * 900_000)
    return log


def switch(settings):
    """Let what was the other storage be the one that is written to, as the operator does."""
    blobs, other = settings.STORAGES["blobs"], settings.STORAGES["other_blobs"]
    settings.STORAGES = {**settings.STORAGES, "blobs": other, "other_blobs": blobs}


def leave(settings):
    settings.STORAGES = {name: each for name, each in settings.STORAGES.items() if name != "other_blobs"}


def copied(*arguments: str) -> str:
    out = StringIO()
    call_command("storage", "copy", *arguments, stdout=out)
    return out.getvalue()


THERE = ("--from", "current", "--to", "other")
BACK = ("--from", "other", "--to", "current")


def all_is_read() -> int:
    """Read every blob from where it is said to lie, verified."""
    rows = list(Blob.objects.select_related("object"))
    assert all(sha(read_blob(row)) == bytes(row.sha256) for row in rows)
    return len(rows)


@pytest.fixture(params=["s3", "gcs", "azure"])
def to(request, kept_in):
    kept_in(request.param, request.getfixturevalue(f"{request.param}_store"), other=True)
    return request.param


def test_an_installation_is_moved_while_it_is_written_to(logged, to, settings, data_dir):
    told = copied(*THERE)
    assert "Now let STRONGROOM_BLOBS… name that one" in told
    # Logged after the copy, and before the switch.
    logged("second", c=b"c" * 5000)
    switch(settings)
    logged("third", d=b"d" * 6000)
    assert all_is_read() == 4
    assert "Take STRONGROOM_OTHER_BLOBS… away" in copied(*BACK)
    leave(settings)
    for path in (data_dir / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    assert all_is_read() == 4
    assert backends.current().kind == to


def test_it_goes_from_a_bucket_to_the_disk_and_to_another_bucket_as_well(
    kept_in, s3_store, gcs_store, settings
):
    local = settings.STORAGES["blobs"]
    kept_in("s3", s3_store)
    people = make.people()
    project = make.project(people)
    make.log(people.bob, project, files={"a": b"a" * 3000})
    kept_in("gcs", gcs_store, other=True)
    copied(*THERE)
    switch(settings)
    settings.STORAGES = {**settings.STORAGES, "other_blobs": local}
    copied(*THERE)
    switch(settings)
    leave(settings)
    assert backends.current().kind == "local"
    assert all_is_read() == 1


def test_nothing_of_the_source_is_touched(logged, kept_in, s3_store, data_dir):
    before = {path: path.read_bytes() for path in (data_dir / "blobs").rglob("*") if path.is_file()}
    kept_in("s3", s3_store, other=True)
    copied(*THERE)
    assert before == {path: path.read_bytes() for path in (data_dir / "blobs").rglob("*") if path.is_file()}


def test_a_dry_run_counts_and_writes_nothing(logged, kept_in, s3_store):
    kept_in("s3", s3_store, other=True)
    objects = StoredObject.objects.count()
    told = copied(*THERE, "--dry-run")
    assert f"Already there: 0. To be copied: {objects}, " in told
    assert list(backends.other().walk()) == []
    copied(*THERE)
    assert f"Already there: {objects}. To be copied: 0, 0 B." in copied(*THERE, "--dry-run")


def test_what_was_interrupted_goes_on_where_it_was(logged, kept_in, s3_store, monkeypatch, data_dir):
    for number in range(8):
        logged(f"more-{number}", x=str(number).encode() * 2000)
    kept_in("s3", s3_store, other=True)
    monkeypatch.setattr("registry.storage.moving._BATCH", 2)
    sent = []

    def tell(step, done):
        sent.append(done.copied)
        if done.copied >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving.copy(system(), source="current", target="other", tell=tell)
    there = len(list(backends.other().walk()))
    assert json.loads((data_dir / "moving").read_text())["after"] > 0
    done = moving.copy(system(), source="current", target="other", tell=lambda *_: None)
    assert done.copied == StoredObject.objects.count() - there
    assert done.there == StoredObject.objects.count()


def test_what_a_lost_run_left_is_verified_before_it_counts(logged, kept_in, s3_store, data_dir):
    kept_in("s3", s3_store, other=True)
    copied(*THERE)
    row = StoredObject.objects.order_by("-size").first()
    (data_dir / "moving").unlink()
    backends.other().put(row.name, io.BytesIO(b"?" * row.size))
    with pytest.raises(CommandError, match="1 differ"):
        copied(*THERE)


def test_another_target_begins_from_the_start(logged, kept_in, s3_store, azure_store):
    kept_in("s3", s3_store, other=True)
    copied(*THERE)
    kept_in("azure", azure_store, other=True)
    assert f"Copied {StoredObject.objects.count()} object" in copied(*THERE)


def test_a_copy_that_comes_out_different_is_made_again_and_then_refused(
    logged, kept_in, s3_store, monkeypatch
):
    kept_in("s3", s3_store, other=True)
    target, real = backends.other(), backends.other().put
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    tries = []

    def damage(name, stream, *, size=None):
        tries.append(name)
        data = bytearray(stream.read(size))
        data[0] ^= 1
        return real(name, io.BytesIO(bytes(data)), size=size)

    monkeypatch.setattr(target, "put", damage)
    with pytest.raises(CommandError, match="came out different"):
        copied(*THERE, "--threads", "1")
    assert len(tries) == 3
    assert list(target.walk()) == []


def test_a_store_that_falters_is_asked_again(logged, kept_in, s3_store, monkeypatch):
    kept_in("s3", s3_store, other=True)
    target, real = backends.other(), backends.other().put
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    failed = set()

    def falter(name, stream, *, size=None):
        if name not in failed:
            failed.add(name)
            raise StoreError(Trouble.THROTTLED)
        return real(name, stream, size=size)

    monkeypatch.setattr(target, "put", falter)
    copied(*THERE)
    assert len(failed) == StoredObject.objects.count()


def test_what_is_in_neither_is_told(logged, kept_in, s3_store, data_dir):
    kept_in("s3", s3_store, other=True)
    row = StoredObject.objects.order_by("size").first()
    (data_dir / "blobs" / row.name).unlink()
    with pytest.raises(CommandError, match="1 objects are in neither"):
        copied(*THERE)


def test_what_is_collected_meanwhile_is_not_left_behind(logged, kept_in, s3_store, monkeypatch):
    kept_in("s3", s3_store, other=True)
    row = StoredObject.objects.order_by("size").first()
    real = Move._still

    def collected(self, done):
        Blob.objects.filter(object__name=row.name).delete()
        StoredObject.objects.filter(name=row.name).delete()
        return real(self, done)

    monkeypatch.setattr(Move, "_still", collected)
    moving.copy(system(), source="current", target="other", threads=1, tell=lambda *_: None)
    assert row.name not in {found.name for found in backends.other().walk()}


def test_a_deletion_goes_to_both(logged, kept_in, s3_store):
    kept_in("s3", s3_store, other=True)
    copied(*THERE)
    row = StoredObject.objects.order_by("size").first()
    backends.current().delete(row.name)
    assert not backends.current().exists(row.name)
    assert not backends.other().exists(row.name)


@pytest.mark.parametrize("way", [("--from", "current", "--to", "current"), THERE])
def test_a_way_that_leads_nowhere_is_refused(way):
    with pytest.raises(CommandError, match=r"Copy from current to other|There is no other storage"):
        copied(*way)

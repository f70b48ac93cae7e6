"""What is acknowledged survives a power cut: the order of the disk's calls, and what happens when one fails."""

from __future__ import annotations

import errno
import io
import itertools
import os
from pathlib import Path

import pytest
from django.db import OperationalError

from registry import storage
from registry.errors import StorageFull, Unavailable
from registry.models import Blob, StoredObject, Upload
from registry.storage import durable
from tests.storage.helpers import bundle, files_below, sha

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024
DATA = b"strongroom" * 300_000
SMALL = [bytes([number]) * 1000 for number in range(20)]


def send_bundle(scope):
    body = bundle(SMALL)
    return storage.receive_bundle(scope, io.BytesIO(body), len(body))


def send_pieces(scope):
    return storage.write_pieces(SMALL)


def send_upload(scope, parts=1):
    upload = storage.begin_upload(scope, 1, len(DATA), sha256=sha(DATA), parts=parts).upload
    for part in storage.progress(upload):
        body = DATA[part.offset + part.received : part.offset + part.size]
        storage.append_part(upload, part.number, part.received, io.BytesIO(body), len(body))
    return storage.complete_upload(upload, sha(DATA))


def send_parts(scope):
    return send_upload(scope, parts=3)


ACTS = [send_bundle, send_pieces, send_upload, send_parts]
acts = pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)


class Disk:
    """Watches the calls that make bytes durable, and fails the n-th of one kind."""

    def __init__(self, monkeypatch):
        self.calls: list[tuple[str, str]] = []
        self.fail: tuple[str, int, int] | None = None
        self._real = {
            name: getattr(os, name) for name in ("fsync", "replace", "link", "write", "copy_file_range")
        }
        monkeypatch.setattr(os, "fsync", self._fsync)
        monkeypatch.setattr(os, "replace", lambda a, b: self._move("replace", a, b))
        monkeypatch.setattr(os, "link", lambda a, b: self._move("link", a, b))
        monkeypatch.setattr(os, "write", self._write)
        monkeypatch.setattr(os, "copy_file_range", self._copy)

    def _record(self, kind, path):
        self.calls.append((kind, str(path)))
        count = sum(call[0] == kind for call in self.calls)
        if self.fail and self.fail[:2] == (kind, count):
            raise OSError(self.fail[2], os.strerror(self.fail[2]))

    def _fsync(self, handle):
        self._record("fsync", os.readlink(f"/proc/self/fd/{handle}"))
        self._real["fsync"](handle)

    def _move(self, kind, source, target):
        self._record("rename", source)
        self._real[kind](source, target)
        self.calls.append(("named", str(target)))

    def _write(self, handle, data):
        if str(os.readlink(f"/proc/self/fd/{handle}")).startswith("/proc"):
            return self._real["write"](handle, data)
        self._record("write", os.readlink(f"/proc/self/fd/{handle}"))
        return self._real["write"](handle, data)

    def _copy(self, source, target, count):
        self._record("copy", os.readlink(f"/proc/self/fd/{target}"))
        return self._real["copy_file_range"](source, target, count)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


@acts
def test_file_then_name_then_folder_then_row(scope, disk, monkeypatch, act):
    """Every name is given to a synced file, and its folder is synced before the database hears of it."""
    real = StoredObject.save

    def save(self, *args, **more):
        disk.calls.append(("row", self.name))
        real(self, *args, **more)

    monkeypatch.setattr(StoredObject, "save", save)
    act(scope)
    calls = disk.calls
    rows = [number for number, call in enumerate(calls) if call[0] == "row"]
    assert len(rows) == 1
    name = calls[rows[0]][1]
    named = next(number for number, call in enumerate(calls) if call[0] == "named" and call[1].endswith(name))
    source = calls[named - 1][1]
    folder = str(Path(calls[named][1]).parent)
    written = [
        number for number, call in enumerate(calls) if call[0] in ("write", "copy") and call[1] == source
    ]
    synced = [number for number, call in enumerate(calls) if call == ("fsync", source)]
    assert max(written) < max(number for number in synced if number < named)
    assert any(named < number < rows[0] for number, call in enumerate(calls) if call == ("fsync", folder))


@acts
def test_new_folders_are_synced_into_those_above(scope, disk, data_dir, act):
    act(scope)
    synced = {call[1] for call in disk.calls if call[0] == "fsync"}
    for folder in [data_dir / "blobs", *(path for path in (data_dir / "blobs").rglob("*") if path.is_dir())]:
        assert str(folder.parent) in synced


@acts
@pytest.mark.parametrize("kind", ["fsync", "rename", "write"])
@pytest.mark.parametrize(
    ("code", "error"), [(errno.ENOSPC, StorageFull), (errno.EIO, Unavailable), (errno.EDQUOT, StorageFull)]
)
def test_whichever_call_fails_nothing_is_acknowledged_and_trying_again_works(
    scope, disk, data_dir, act, kind, code, error
):
    for number in itertools.count(1):
        # Begin anew: no part has arrived, and no folder is known to be durable.
        Upload.objects.all().delete()
        durable._durable_folders.clear()
        disk.calls.clear()
        disk.fail = (kind, number, code)
        try:
            act(scope)
            break
        except error:
            assert not Blob.objects.exists(), number
            assert not StoredObject.objects.exists(), number
            assert files_below(data_dir / "blobs") == [], number
            assert list((data_dir / "incoming").glob("*.tmp")) == []
    assert number > 1
    assert all(sha(_whole(blob)) == blob.sha256 for blob in Blob.objects.all())
    assert len(files_below(data_dir / "blobs")) == 1


def _whole(blob):
    with storage.open_blob(blob) as opened:
        return opened.read()


def test_a_part_whose_sync_failed_is_sent_again_from_its_beginning(scope, disk):
    """After a failed fsync the system may forget what it could not write, and a second one says that all is well."""
    upload = storage.begin_upload(scope, 1, len(DATA)).upload
    storage.append_part(upload, 1, 0, io.BytesIO(DATA[:MIB]), MIB)
    disk.calls.clear()
    disk.fail = ("fsync", 1, errno.EIO)
    with pytest.raises(Unavailable):
        storage.append_part(upload, 1, MIB, io.BytesIO(DATA[MIB:]), len(DATA) - MIB)
    disk.fail = None
    assert [part.received for part in storage.progress(upload)] == [0]
    storage.append_part(upload, 1, 0, io.BytesIO(DATA), len(DATA))
    assert _whole(storage.complete_upload(upload, sha(DATA))) == DATA


def test_a_part_on_a_full_disk_keeps_what_arrived(scope, disk):
    upload = storage.begin_upload(scope, 1, len(DATA)).upload
    disk.fail = ("write", 2, errno.ENOSPC)
    with pytest.raises(StorageFull):
        storage.append_part(upload, 1, 0, io.BytesIO(DATA), len(DATA))
    disk.fail = None
    assert [part.received for part in storage.progress(upload)] == [MIB]
    storage.append_part(upload, 1, MIB, io.BytesIO(DATA[MIB:]), len(DATA) - MIB)
    assert _whole(storage.complete_upload(upload, sha(DATA))) == DATA


@pytest.mark.parametrize("act", [send_bundle, send_pieces, send_upload], ids=lambda act: act.__name__)
def test_a_full_database_keeps_no_object(scope, data_dir, monkeypatch, act):
    def full(self, *args, **more):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(StoredObject, "save", full)
    with pytest.raises(StorageFull):
        act(scope)
    assert files_below(data_dir / "blobs") == []
    monkeypatch.undo()
    act(scope)
    assert len(files_below(data_dir / "blobs")) == 1


@pytest.mark.django_db(transaction=True)
def test_an_object_whose_commit_failed_is_left_alone(scope, data_dir, monkeypatch):
    """Nobody knows whether the rows are there: bytes without a row are swept, a row without bytes is a loss."""
    from django.db.backends.base.base import BaseDatabaseWrapper

    def lost(self):
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(BaseDatabaseWrapper, "commit", lost)
        patch.setattr(BaseDatabaseWrapper, "_commit", lost)
        with pytest.raises(OperationalError):
            send_bundle(scope)
    assert len(files_below(data_dir / "blobs")) == 1


@pytest.mark.parametrize("moment", ["before the row", "after the row"])
def test_a_server_that_dies_while_completing_loses_nothing(scope, data_dir, monkeypatch, forgetful, moment):
    """The process ends at that moment: no cleaning up runs. Completing again needs no byte to be sent."""

    class Killed(BaseException):
        pass

    upload = storage.begin_upload(scope, 1, len(DATA)).upload
    storage.append_part(upload, 1, 0, io.BytesIO(DATA), len(DATA))
    with monkeypatch.context() as patch:

        def die(*_, **__):
            raise Killed

        patch.setattr("registry.storage.backends.local.LocalBackend.delete", lambda *_: None)
        if moment == "before the row":
            patch.setattr("registry.storage.completion.insert_blobs", die)
        else:
            patch.setattr("registry.storage.parts.remove", die)
        with pytest.raises(Killed):
            storage.complete_upload(upload, sha(DATA))
    forgetful()
    blob = storage.complete_upload(Upload.objects.get(pk=upload.pk), sha(DATA))
    assert _whole(blob) == DATA
    # A try that died before its row left an object that no row knows: that is the collector's.
    assert len(files_below(data_dir / "blobs")) == (2 if moment == "before the row" else 1)
    assert StoredObject.objects.get().name == blob.object.name

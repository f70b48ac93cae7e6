"""A folder as a zip that is made while it is sent."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.utils import timezone

from registry.errors import BlobsMissing, Damaged, Forbidden, InvalidPath, NotFound, TooLarge
from registry.models import Blob, Event
from registry.services import archives
from tests import factories as make

pytestmark = pytest.mark.django_db
FILES = {
    "README.md": b"# Read\n", "images/a/1.png": b"one" * 1000, "images/a/2.png": b"two",
    "images/b/1.png": b"one" * 1000, "images-old/1.png": b"old", "empty": b"", "größe/ü #1.txt": b"x",
}  # fmt: skip


@pytest.fixture
def row(people, project):
    return make.log(people.bob, project, files=FILES, references={"images/far.png": "s3://b/far.png"})


def opened(pieces) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_all_files_are_in_it_and_references_are_not(bob, row):
    assert opened(archives.zipped(bob, row)) == FILES


def test_a_folder_keeps_its_own_name_and_no_neighbour(bob, row):
    assert set(opened(archives.zipped(bob, row, "images"))) == {
        "images/a/1.png",
        "images/a/2.png",
        "images/b/1.png",
    }
    assert set(opened(archives.zipped(bob, row, "images/a"))) == {"a/1.png", "a/2.png"}


def test_it_is_a_download_and_told_as_one(bob, row):
    before = Event.objects.filter(act="version.download").count()
    opened(archives.zipped(bob, row))
    assert Event.objects.filter(act="version.download").count() == before + 1


def test_what_cannot_be_made_is_refused_before_the_first_byte(people, bob, row, monkeypatch):
    with pytest.raises(NotFound):
        archives.zipped(bob, row, "nothing")
    with pytest.raises(InvalidPath):
        archives.zipped(bob, row, "../etc")
    with pytest.raises((Forbidden, NotFound)):
        archives.zipped(make.actor(people.charlie), row)
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    with pytest.raises(TooLarge, match="at most 3 files"):
        archives.zipped(bob, row)


def test_bytes_that_are_missing_or_damaged_are_never_sent_as_whole(bob, row, monkeypatch):
    blob = Blob.objects.get(size=len(FILES["images/a/1.png"]))
    Blob.objects.filter(pk=blob.pk).update(sha256=b"\1" * 32)
    with pytest.raises(BlobsMissing):
        archives.zipped(bob, row)
    Blob.objects.filter(pk=blob.pk).update(sha256=blob.sha256)
    monkeypatch.setattr(archives.files, "opener", lambda *_: lambda start, length: io.BytesIO(b"?" * length))
    with pytest.raises(Damaged):
        b"".join(archives.zipped(bob, row))


def test_memory_holds_a_piece_and_no_file(people, bob, project, monkeypatch):
    monkeypatch.setattr(archives, "PIECE", 4096)
    large = make.log(people.bob, project, "large", {"a": bytes(1 << 20), "b": b"x"})
    assert max(len(piece) for piece in archives.zipped(bob, large)) <= archives.PIECE + 1024


def test_an_archive_holds_the_files_and_a_damaged_one_is_refused_before_the_first_byte(people, project, bob):
    files = {f"f{n:04}": b"%d" % n for n in range(600)}
    made = make.log(people.bob, project, files=files)
    with zipfile.ZipFile(io.BytesIO(b"".join(archives.zipped(bob, made)))) as archive:
        assert {info.filename: archive.read(info) for info in archive.infolist()} == files
    last = Blob.objects.order_by("-pk").filter(size=3).first()
    Blob.objects.filter(pk=last.pk).update(damaged_at=timezone.now())
    with pytest.raises(BlobsMissing):
        archives.zipped(bob, made)


def test_to_ask_for_the_headers_of_an_archive_is_no_download(people, project, client):
    made = make.log(people.bob, project, files={"a": b"1"})
    client.force_login(people.bob)
    before = Event.objects.filter(act="version.download").count()
    answer = client.head(f"{made.get_absolute_url()}/zip")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert b"".join(answer.streaming_content) == b""
    assert Event.objects.filter(act="version.download").count() == before

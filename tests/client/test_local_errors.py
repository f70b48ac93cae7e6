"""What this machine refuses (a full disk, a folder that is none) is told as one sentence that names what to mend."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import strongroom
from strongroom import settings, store
from strongroom.cache import Cache
from strongroom.errors import InvalidInput, LocalFileError
from strongroom.staging import Staging
from strongroom.store import EntryStore, Item
from strongroom.transfer import manifests
from strongroom.transfer.journal import Journal
from strongroom.transfer.publish import Card, Target, publish

from tests.client.conftest import session_to
from tests.client.fake_version import FakeVersion

MIB = 1 << 20


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """Let files grow only so far, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def no_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file where the cache folder should be."""
    (home / "no-cache").write_text("a file")
    monkeypatch.setenv("STRONGROOM_CACHE_DIR", str(home / "no-cache"))
    return home / "no-cache"


@pytest.fixture
def artifact() -> strongroom.Artifact:
    return strongroom.Artifact("data", "dataset")


@pytest.fixture
def folder(home: Path) -> Path:
    """Files that are small each, and too much together."""
    (home / "mine").mkdir()
    for number in range(4):
        (home / "mine" / str(number)).write_bytes(os.urandom(MIB // 2))
    return home / "mine"


def refused(place: Path):
    return pytest.raises(
        LocalFileError, match=f"The cache folder {place} cannot be used.*STRONGROOM_CACHE_DIR"
    )


def test_a_cache_folder_that_cannot_be_made_is_named(artifact, folder, no_cache):
    with refused(no_cache):
        artifact.add_file(folder / "0")
    with refused(no_cache):
        artifact.add_dir(folder)
    with refused(no_cache):
        artifact.new_file("new").__enter__()
    artifact.add_dir(folder, policy="immutable")
    assert len(artifact.manifest) == 4


def test_a_full_disk_is_not_blamed_on_the_folder_that_is_added(artifact, folder):
    with no_file_beyond(MIB), refused(settings.cache_dir()):
        artifact.add_dir(folder)
    assert len(artifact.manifest) == 0


def test_a_new_file_that_does_not_fit_says_so_when_it_is_closed(artifact):
    def write() -> None:
        with artifact.new_file("new", "wb") as file:
            file.write(b"x" * 5000)

    with no_file_beyond(1000), refused(settings.cache_dir()):
        write()
    assert len(artifact.manifest) == 0


def test_the_errors_of_who_writes_a_new_file_are_their_own(artifact):
    def write() -> None:
        with artifact.new_file("new"):
            open("nothing-here").close()

    with pytest.raises(FileNotFoundError):
        write()


def test_a_list_of_entries_that_does_not_fit_says_where_it_is_kept(monkeypatch):
    monkeypatch.setattr(store, "_CACHE_KIB", 1)
    entries = EntryStore()
    entries.put([Item("kept", 1, b"1" * 32)])
    with no_file_beyond(MIB // 4), pytest.raises(LocalFileError, match="TMPDIR"):
        entries.put(Item(f"{number:0500}", 1, b"1" * 32) for number in range(5000))
    assert entries.count() == 1
    entries.put([Item("another", 1, b"1" * 32)])


def test_an_error_of_what_fills_a_list_is_not_the_lists(monkeypatch):
    def broken() -> Iterator[Item]:
        yield Item("a", 1, b"1" * 32)
        raise ConnectionResetError

    entries = EntryStore()
    with pytest.raises(ConnectionResetError):
        entries.put(broken())
    assert entries.count() == 0


def test_a_manifest_that_this_machine_cannot_hold_is_not_the_servers_fault(scripted, monkeypatch):
    def full(*_: object) -> None:
        raise LocalFileError("full")

    version = FakeVersion({"a": b"1"})
    monkeypatch.setattr(EntryStore, "put", full)
    with pytest.raises(LocalFileError, match="full"):
        _ = version.artifact(scripted(version)).manifest.store


def test_a_manifest_that_does_not_fit_before_it_is_sent_says_so(scripted, monkeypatch):
    monkeypatch.setattr(manifests, "IN_MEMORY", 1)
    entries = EntryStore()
    entries.put(Item(f"{number:05}", 1, os.urandom(32)) for number in range(2000))
    server = scripted(FakeVersion({}))
    with no_file_beyond(1000), pytest.raises(LocalFileError, match="TMPDIR"):
        manifests.stage(session_to(server), "d", entries)
    assert server.requests == []


def test_a_wrong_size_of_the_cache_is_told_before_the_first_request(scripted, artifact, monkeypatch):
    monkeypatch.setenv("STRONGROOM_CACHE_SIZE", "much")
    server = scripted(FakeVersion({}))
    card = Card("data", "dataset", None, {}, "inherit")
    with pytest.raises(InvalidInput, match="'much' is not a size"):
        publish(session_to(server), Target("team", "vision"), card, artifact._draft, [], [])
    assert server.requests == []


def test_a_transfer_does_not_fail_for_the_cache(home):
    cache = Cache(home / "cache")
    (home / "cache" / "usage").mkdir(parents=True)
    (home / "data").write_bytes(b"abc")
    cache.keep(b"1" * 32, str(home / "data"))
    cache.settle()
    with pytest.raises(LocalFileError, match="cache folder"):
        cache.clean()


def test_no_journal_is_no_reason_not_to_log(no_cache):
    assert Journal.find(["a"], []) is None


def test_a_journal_that_cannot_grow_does_not_stop_an_upload():
    journal = Journal.find(["a"], [])
    with no_file_beyond(10):
        journal.note("path", "upload")
    journal.done()
    journal.done()
    journal.close()


def test_errors_of_a_list_are_those_of_sqlite():
    entries = EntryStore()
    with pytest.raises(LocalFileError) as raised:
        entries._all("SELECT nothing FROM nowhere")
    assert isinstance(raised.value.__cause__, sqlite3.Error)


def test_a_private_folder_is_refused_only_once_it_is_needed(no_cache):
    assert not strongroom.Artifact("data", "dataset")._draft.has_staging
    with refused(no_cache):
        Staging()

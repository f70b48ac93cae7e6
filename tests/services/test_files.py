"""What lies inside a version: entries, folders, bytes, bundles, differences."""

from __future__ import annotations

import hashlib

import pytest

from registry import storage
from registry.errors import Damaged, InvalidPath, NotAuthenticated, NotFound, TooLarge
from registry.services import files
from tests import factories as make

pytestmark = pytest.mark.django_db

FILES = {"a.txt": b"one", "d/b.txt": b"two", "d/e/c.txt": b"three", "same.txt": b"one"}


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, files=FILES, references={"far": "s3://bucket/far"})


def test_entries_are_found_by_path_with_their_bytes(bob, v0):
    for path, data in FILES.items():
        entry, blob = files.content(bob, v0, path)
        assert (entry.sha256, entry.size) == (hashlib.sha256(data).hexdigest(), len(data))
        assert storage.read_blob(blob) == data


def test_a_reference_has_no_bytes_here_and_says_where_they_are(bob, v0):
    assert files.entry(bob, v0, "far").ref == "s3://bucket/far"
    with pytest.raises(NotFound, match="s3://bucket/far"):
        files.content(bob, v0, "far")


@pytest.mark.parametrize("path", ["nope", "d", "d/b.txt/x", "A.TXT"])
def test_a_path_that_is_not_there_is_not_found(bob, v0, path):
    for look in (files.entry, files.content):
        with pytest.raises(NotFound):
            look(bob, v0, path)


@pytest.mark.parametrize(
    "path", ["../a.txt", "/a.txt", "d/../a.txt", "d//b.txt", "", "a\x00", "C:\\x", "d/./b.txt"]
)
def test_a_path_outside_the_rules_is_refused(bob, v0, path):
    for look in (files.entry, files.content):
        with pytest.raises(InvalidPath):
            look(bob, v0, path)
    with pytest.raises(InvalidPath):
        files.bundle(bob, v0, [path])


def test_folders_have_their_totals_and_come_page_by_page(bob, v0):
    page = files.folder(bob, v0, "", None, 100)
    assert [folder.name for folder in page.folders] == ["d"]
    assert [entry.path for entry in page.files] == ["a.txt", "far", "same.txt"]
    seen, cursor = [], None
    while True:
        page = files.folder(bob, v0, "", cursor, 1)
        seen += [folder.name for folder in page.folders] + [entry.path for entry in page.files]
        cursor = page.next
        if cursor is None:
            break
    assert seen == ["d", "a.txt", "far", "same.txt"]
    with pytest.raises(NotFound):
        files.folder(bob, v0, "nope", None, 10)


def test_a_bundle_has_each_blob_once_and_only_what_the_version_has(people, project, bob, v0):
    body = b"".join(files.bundle(bob, v0, ["a.txt", "same.txt", "d/b.txt", "a.txt"]))
    assert len(body) == 2 * 40 + len(b"one") + len(b"two")
    other = make.log(people.bob, project, "other", files={"x": b"elsewhere"})
    for path in ("x", "far", "d"):
        with pytest.raises(NotFound):
            files.bundle(bob, v0, [path])
    assert b"elsewhere" in b"".join(files.bundle(bob, other, ["x"]))
    with pytest.raises(TooLarge):
        files.bundle(bob, v0, ["a.txt"] * (files.BUNDLE_FILES + 1))


def test_a_difference_names_what_came_went_and_changed(people, project, bob, v0):
    newer = make.log(people.bob, project, files={"a.txt": b"ONE", "d/b.txt": b"two", "new": b"n"})
    changes = {(change.path, change.kind) for change in files.diff(v0, newer, actor=bob)}
    assert changes == {
        ("a.txt", "changed"),
        ("d/e/c.txt", "removed"),
        ("far", "removed"),
        ("new", "added"),
        ("same.txt", "removed"),
    }
    assert list(files.diff(v0, v0, actor=bob)) == []
    assert [change.path for change in files.diff(v0, newer, actor=bob, after="far")] == ["new", "same.txt"]


def test_manifests_are_streamed_whole_or_below_a_folder(bob, v0):
    assert len(b"".join(files.lines(bob, v0)).splitlines()) == 5
    assert len(b"".join(files.lines(bob, v0, prefix="d/")).splitlines()) == 2


def test_nothing_of_a_version_is_for_strangers(people, charlie, v0):
    looks = [
        lambda who: files.entry(who, v0, "a.txt"),
        lambda who: files.content(who, v0, "a.txt"),
        lambda who: files.folder(who, v0, "", None, 10),
        lambda who: files.lines(who, v0),
        lambda who: files.wandb_manifest(who, v0),
        lambda who: files.bundle(who, v0, ["a.txt"]),
        lambda who: files.entries(who, v0),
        lambda who: files.diff(v0, v0, actor=who),
    ]
    for look in looks:
        with pytest.raises(NotFound):
            look(charlie)
        with pytest.raises(NotAuthenticated):
            look(make.actor(None))
        look(make.actor(people.vera))


def test_bytes_known_to_be_damaged_are_an_error_and_no_download(bob, v0):
    _, blob = files.content(bob, v0, "d/b.txt")
    storage.mark_damaged(blob)
    with pytest.raises(Damaged, match="damaged"):
        files.content(bob, v0, "d/b.txt")
    assert files.content(bob, v0, "a.txt")[0].size == 3

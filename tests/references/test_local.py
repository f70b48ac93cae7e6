"""References to local files and folders."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import tracemalloc

import pytest
from strongroom.core.entries import Entry
from strongroom.core.references import check, expand, local, open_reference, vouches, walking
from strongroom.errors import (
    InvalidPath,
    InvalidUri,
    NothingFound,
    ReferenceChanged,
    ReferenceMissing,
    ReferenceRefused,
    ReferenceUnreachable,
    TooManyObjects,
)

from tests.references.support import added, paths, read


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def uri(path) -> str:
    return f"file://{path}"


def make(folder, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def test_a_file_is_recorded_by_its_md5_and_size(tmp_path, reach):
    make(tmp_path, "a.txt")
    entry = added(uri(tmp_path / "a.txt"), reach)
    assert entry == Entry("a.txt", md5(b"a.txt"), 5, None, uri(tmp_path / "a.txt"), None)
    assert read(entry, reach) == b"a.txt"
    assert read(entry, reach, 2) == b"txt"
    assert (check(entry, reach).state, vouches(entry)) == ("ok", True)
    with open_reference(entry, reach) as stream:
        assert (stream.size, stream.md5) == (5, hashlib.md5(b"a.txt").hexdigest())


NAMES = (
    "a!",
    "a.txt",
    "a/b",
    "a/c/d",
    "a0",
    "b",
    "é",
    "🎈",
    "A",
    " x",
    "a-b/x",
    "with space",
    "50%",
    "q?",
    "h#",
)


def test_a_folder_is_walked_in_path_order(tmp_path, reach):
    make(tmp_path, *NAMES)
    found = list(expand(uri(tmp_path), reach=reach))
    assert [entry.path for entry in found] == sorted(NAMES)
    assert all(entry.digest == md5(entry.path.encode()) for entry in found)
    for entry in found:
        assert read(entry, reach) == entry.path.encode()
        assert added(entry.ref, reach, entry.path) == entry
    assert paths(uri(tmp_path) + "/", reach, "top") == [f"top/{name}" for name in sorted(NAMES)]


@pytest.mark.parametrize("in_memory", [2, 3, 100])
def test_it_can_go_on_behind_any_path(tmp_path, reach, monkeypatch, in_memory):
    monkeypatch.setattr(walking, "IN_MEMORY", in_memory)
    make(tmp_path, *NAMES)
    every = paths(uri(tmp_path), reach)
    assert every == sorted(NAMES)
    for at, path in enumerate(every):
        assert paths(uri(tmp_path), reach, after=path) == every[at + 1 :]
        assert paths(uri(tmp_path), reach, "n", after=f"n/{path}") == [
            f"n/{name}" for name in every[at + 1 :]
        ]


def test_large_files_among_small_ones_stay_in_order(tmp_path, reach, monkeypatch):
    monkeypatch.setattr(local, "ALONE", 3)
    names = [f"{number:03}" + "x" * (number % 3) for number in range(200)]
    make(tmp_path, *names)
    assert paths(uri(tmp_path), reach) == names


def test_a_flat_folder_of_many_files_needs_little_memory(tmp_path, reach, monkeypatch):
    monkeypatch.setattr(walking, "IN_MEMORY", 200)
    for number in range(2000):
        (tmp_path / f"{number * 7919 % 2000:04}-{'x' * 200}").touch()
    found = expand(uri(tmp_path), reach=reach)
    tracemalloc.start()
    count = sum(1 for _ in found)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 2000
    assert peak < 400_000  # the names alone are more than half a megabyte


def test_links_are_followed_and_loops_refused(tmp_path, reach):
    make(tmp_path / "real", "x/y")
    os.symlink(tmp_path / "real" / "x", tmp_path / "real" / "link")
    os.symlink(tmp_path / "real" / "x" / "y", tmp_path / "real" / "file")
    assert paths(uri(tmp_path / "real"), reach) == ["file", "link/y", "x/y"]
    os.symlink(tmp_path / "real", tmp_path / "real" / "x" / "up")
    with pytest.raises(InvalidUri, match="folder that it lies in"):
        paths(uri(tmp_path / "real"), reach)


def test_links_to_themselves_or_to_nothing_are_named(tmp_path, reach):
    make(tmp_path, "d/a")
    os.symlink("self", tmp_path / "d" / "self")
    with pytest.raises(InvalidUri, match="self"):
        paths(uri(tmp_path / "d"), reach)
    os.unlink(tmp_path / "d" / "self")
    os.symlink("nothing", tmp_path / "d" / "dangling")
    with pytest.raises(ReferenceMissing, match="dangling"):
        paths(uri(tmp_path / "d"), reach)


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path, reach):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidUri, match="neither a file nor a folder"):
        paths(uri(tmp_path / "pipe"), reach)
    with pytest.raises(InvalidUri, match="neither a file nor a folder"):
        paths(uri(tmp_path), reach)
    os.unlink(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket"))
        with pytest.raises((InvalidUri, ReferenceUnreachable)):
            paths(uri(tmp_path / "socket"), reach)


@pytest.mark.parametrize("name", ["line\nbreak", "trailing.", "nul", "back\\slash", os.fsdecode(b"\xff")])
def test_a_name_that_no_path_can_be_is_named(tmp_path, reach, name):
    make(tmp_path, "good")
    (tmp_path / name).touch()
    with pytest.raises(InvalidPath):
        paths(uri(tmp_path), reach)


def test_an_empty_folder_is_an_error(tmp_path, reach):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(NothingFound):
        paths(uri(tmp_path), reach)


def test_what_is_not_there_is_an_error(tmp_path, reach):
    make(tmp_path, "a")
    for gone in ("none", "a/below"):
        with pytest.raises(ReferenceMissing):
            paths(uri(tmp_path / gone), reach)


def test_one_file_above_the_limit_is_an_error(tmp_path, reach):
    make(tmp_path, "a", "b", "c")
    assert len(paths(uri(tmp_path), reach, max_objects=3)) == 3
    with pytest.raises(TooManyObjects):
        paths(uri(tmp_path), reach, max_objects=2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path, reach):
    make(tmp_path, "a", "b")
    (tmp_path / "b").chmod(0)
    with pytest.raises(ReferenceUnreachable, match="Permission denied"):
        paths(uri(tmp_path), reach)


def test_a_file_that_changes_while_it_is_hashed_is_an_error(tmp_path, reach, monkeypatch):
    (tmp_path / "a").write_bytes(b"x" * 10)
    reads, left = os.read, [b"y"]

    def meanwhile(descriptor, count):
        data = reads(descriptor, count)
        if left:
            with open(tmp_path / "a", "ab") as file:
                file.write(left.pop())
        return data

    monkeypatch.setattr(local.os, "read", meanwhile)
    with pytest.raises(ReferenceChanged, match="changed while it was being read"):
        added(uri(tmp_path / "a"), reach)


def test_a_change_is_seen_by_size_or_by_md5(tmp_path, reach):
    make(tmp_path, "a.txt")
    entry = added(uri(tmp_path / "a.txt"), reach)
    (tmp_path / "a.txt").write_bytes(b"b.txt")
    found = check(entry, reach)
    assert (found.state, found.now.digest) == ("changed", md5(b"b.txt"))
    (tmp_path / "a.txt").write_bytes(b"longer")
    assert "had 5 bytes when it was recorded, and has 6 now" in check(entry, reach).why
    with pytest.raises(ReferenceChanged):
        read(entry, reach)
    (tmp_path / "a.txt").unlink()
    assert check(entry, reach).state == "missing"
    with pytest.raises(ReferenceMissing):
        read(entry, reach)


def test_without_a_checksum_a_folder_is_one_entry(tmp_path, reach):
    make(tmp_path, "a")
    entry = added(uri(tmp_path), reach, checksum=False)
    assert (entry.path, entry.digest, entry.size) == (tmp_path.name, uri(tmp_path), None)
    assert check(entry, reach).state == "ok"


@pytest.mark.parametrize("recorded", ["file:///data/a b", "file:///data/a%20b"])
def test_a_digest_of_the_address_vouches_for_no_bytes(recorded):
    digest = md5(b"file:///data/a%20b")
    assert not vouches(Entry("a", digest, 5, None, recorded, None))
    assert vouches(Entry("a", md5(b"other"), 5, None, recorded, None))


class Judging:
    """A reach that lets nobody leave a folder."""

    def __init__(self, root) -> None:
        self.root = str(root)
        self.asked: list[str] = []

    def local(self, path: str) -> str:
        """Resolve links, then judge."""
        self.asked.append(path)
        real = os.path.realpath(path)
        if real != self.root and not real.startswith(self.root + os.sep):
            raise ReferenceRefused(f"{path} leads to where nobody may look.")
        return real


def test_links_inside_a_folder_are_judged_as_the_folder_is(tmp_path):
    make(tmp_path / "in", "a", "b/c")
    make(tmp_path / "out", "secret")
    judging = Judging(tmp_path / "in")
    assert paths(uri(tmp_path / "in"), judging) == ["a", "b/c"]
    for link, target in (("link", "out/secret"), ("folder", "out"), ("b/deep", "out")):
        os.symlink(tmp_path / target, tmp_path / "in" / link)
        with pytest.raises(ReferenceRefused):
            paths(uri(tmp_path / "in"), judging)
        os.unlink(tmp_path / "in" / link)


def test_a_link_that_takes_the_place_of_a_file_is_judged_once_it_is_open(tmp_path):
    """The name was judged while it was a file; what was opened is judged by where it truly lies."""
    make(tmp_path / "in", "a")
    make(tmp_path / "out", "secret")

    class Racing(Judging):
        def local(self, path: str) -> str:
            real = super().local(path)
            if path.endswith("/a") and not os.path.islink(path):
                os.unlink(path)
                os.symlink(tmp_path / "out" / "secret", path)
            return real

    with pytest.raises(ReferenceRefused):
        paths(uri(tmp_path / "in" / "a"), Racing(tmp_path / "in"))

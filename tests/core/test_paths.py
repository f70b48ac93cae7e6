"""Paths of entries: what is refused on every system, and that nothing is ever reached outside."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strongroom.core.errors import InvalidPath
from strongroom.core.paths import (
    check_entry_path,
    check_windows_path,
    default_folder,
    open_beneath,
    safe_join,
)
from strongroom.core.text import forbidden_character

from tests.core.strategies import paths

HOSTILE = [
    "", "/", "/etc/passwd", "//server/share/x", "///x", "\\\\server\\share\\x", "\\x", "a\\b", "..\\x", "C:", "C:x",
    "c:/x", "C:\\x", "a/C:/x", "a/c:x", "\\\\?\\C:\\x", "//./pipe/x", "e:/x", ".", "..", "./a", "../a", "a/..",
    "a/../../b", "a/./b", "a/.", "a//b", "a/", "a\x00", "a\x00/../b", "a\n", "a\nb", "\ta", "a\x1b[2J",
    "a\x7f", "a\x85",
    "a\u202eb", "a\u2066b", "a\u200bb", "a\u200db", "\ufeffa", "a\u2028b", "a\ud800", "\udcff",
    "a\U0010ffff", "a\uffff",
    "CON", "con", "Con.txt", "a/NUL", "nul.tar.gz", "aux/x", "PRN ", "prn .txt", "COM1", "lpt9.x", "COM¹", "CONIN$",
    "a.", "a ", "a./b", "a /b", "...", "a/.. /b", ".. ", " ", "a/ /b", "x" * 256, "é" * 128,
    "x" * 1025, "a/" * 2048 + "a",
    "a" * 5000, None, 7, b"a", Path("a"), ["a"],
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE, ids=lambda p: ascii(p)[:30])
def test_hostile_spellings_are_refused_with_a_harmless_sentence(path):
    with pytest.raises(InvalidPath) as caught:
        check_entry_path(path)
    assert forbidden_character(caught.value.message) is None
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    "path",
    ["a", "a/b/c.txt", ".hidden", "a/.b", "..a", "a..b", "...a", "a b/c d", "é/日本語", "e\u0301", "\U0001f600.png",
     "console", "com", "com10", "auxiliary/x", "NULL", "date=2026-11-05/x", "2026-11-05T10:00:00", "a?b", 'a"b',
     "a*", "~x",
     "%2e%2e/x", "a;b", "a#b", "x" * 255, "/".join(["x" * 255] * 16)],
)  # fmt: skip
def test_ordinary_paths_are_taken_as_they_are(path):
    assert check_entry_path(path) == path


_pieces = st.lists(
    st.sampled_from([*"abC:./\\ ~$\n1", "..", "con", "COM1", "\u202e", "é", "nul"]), max_size=12
).map("".join)


@given(st.text() | _pieces | paths)
@example("a/b")
def test_what_is_taken_stays_below_any_root_on_both_kinds_of_system(path):
    try:
        check_entry_path(path)
    except InvalidPath:
        return
    posix, windows = PurePosixPath("/root") / path, PureWindowsPath("D:\\root").joinpath(*path.split("/"))
    assert posix.parts == ("/", "root", *path.split("/"))
    assert windows.parts == ("D:\\", "root", *path.split("/"))
    assert not windows.is_reserved()
    assert all(part not in ("", ".", "..") and part == part.rstrip(". ") for part in path.split("/"))


@given(paths)
def test_the_quick_look_and_the_close_look_agree(path):
    # A part that only the close look can judge must not change what the rest is.
    assert check_entry_path(path) == path
    assert check_entry_path(f"é/{path}") == f"é/{path}"


def test_paths_that_windows_cannot_hold_are_refused_there_alone():
    for path in ("2026:1", 'a"b', "a*b", "a|b", "a<b", "a?b"):
        with pytest.raises(InvalidPath):
            check_windows_path(path)
    check_windows_path("a/b c.txt")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "canary").write_text("safe")
    folder = tmp_path / "root"
    (folder / "inside").mkdir(parents=True)
    (folder / "link").symlink_to("../outside")
    (folder / "within").symlink_to("inside")
    (folder / "absolute").symlink_to("/tmp")
    (folder / "canary").symlink_to("../outside/canary")
    (folder / "dangling").symlink_to("../outside/new")
    (folder / "file").write_text("")
    return folder


LINKS = ["link/x", "within/x", "absolute/x", "inside/../link/x", "file/x", "dangling/x", "canary/x"]


def test_a_place_is_joined_below_the_root(root):
    assert safe_join(root, "inside/a/b") == root / "inside" / "a" / "b"
    assert safe_join(root, "file") == root / "file"
    assert safe_join(root.parent / "none", "a/b") == root.parent / "none" / "a" / "b"


@pytest.mark.parametrize("path", [*LINKS, "link", "canary", "dangling", "../outside/canary"])
def test_no_place_is_joined_through_or_onto_a_link(root, path):
    with pytest.raises(InvalidPath):
        safe_join(root, path)


@pytest.mark.parametrize("path", LINKS)
@pytest.mark.parametrize("create", [True, False])
def test_no_handle_leads_through_a_link(root, path, create):
    handle = os.open(root, os.O_RDONLY)
    before = _names(root.parent)
    try:
        with pytest.raises(InvalidPath), open_beneath(handle, path, create=create):
            pass
    finally:
        os.close(handle)
    assert _names(root.parent) == before


def test_a_handle_makes_folders_and_is_closed_afterwards(root):
    handle, before = os.open(root, os.O_RDONLY), set(os.listdir("/proc/self/fd"))
    with open_beneath(handle, "new/deep/file") as (folder, name):
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, dir_fd=folder))
    with open_beneath(handle, "top") as (folder, name):
        assert (name, os.path.samestat(os.fstat(folder), os.fstat(handle))) == ("top", True)
    with pytest.raises(FileNotFoundError), open_beneath(handle, "gone/x", create=False):
        pass
    with pytest.raises(InvalidPath), open_beneath(handle, "a/link/../x"):
        pass
    assert set(os.listdir("/proc/self/fd")) == before
    os.close(handle)
    assert (root / "new/deep/file").is_file()


def test_a_folder_that_is_swapped_for_a_link_leads_nowhere_else(root):
    handle = os.open(root, os.O_RDONLY)
    with open_beneath(handle, "inside/x") as (folder, name):
        (root / "inside").rename(root / "moved")
        (root / "inside").symlink_to("../outside")
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, dir_fd=folder))
    os.close(handle)
    assert (root / "moved" / "x").exists()
    assert os.listdir(root.parent / "outside") == ["canary"]


def _names(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@given(st.text(), st.text(), st.text())
@example("../..", "..", "../../etc")
@example("C:\\", "\\\\x", "a:v3")
@example("x" * 500, "y" * 500, "z:v1")
def test_a_default_folder_is_one_harmless_name(entity, project, name):
    found = default_folder(entity, project, name)
    assert check_entry_path(found) == found
    assert "/" not in found
    assert found.isascii()


def test_default_folders_tell_names_apart_that_look_alike_once_harmless():
    assert default_folder("team", "vision", "cats:v3") == "team-vision-cats-v3"
    assert default_folder("team", "日本", "c:v0") != default_folder("team", "中国", "c:v0")
    assert default_folder("t", "p", "x" * 300 + "1") != default_folder("t", "p", "x" * 300 + "2")

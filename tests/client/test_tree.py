"""Writing below one root: whole files under final names, no links followed, nothing outside."""

from __future__ import annotations

import os
import stat

import pytest
from strongroom.errors import InvalidPath, PathCollision
from strongroom.transfer import tree as trees
from strongroom.transfer.tree import Tree


@pytest.fixture(params=[True, False], ids=["handles", "paths"])
def tree(request, home, monkeypatch):
    """With handles, and as on systems that have none."""
    monkeypatch.setattr(trees, "HAS_HANDLES", request.param)
    found = Tree(home / "root")
    yield found
    found.close()


def test_files_are_written_where_they_belong(tree, home):
    for path in ("a", "b/c", "b/d/e", "b/d/f"):
        tree.write(path, path.encode())
    found = {
        p.relative_to(home / "root").as_posix(): p.read_bytes()
        for p in (home / "root").rglob("*")
        if p.is_file()
    }
    assert found == {path: path.encode() for path in ("a", "b/c", "b/d/e", "b/d/f")}


def test_a_file_is_replaced_at_once(tree, home):
    tree.write("a", b"1")
    before = (home / "root" / "a").stat().st_ino
    tree.write("a", b"2")
    assert (home / "root" / "a").read_bytes() == b"2"
    assert (home / "root" / "a").stat().st_ino != before


def test_many_folders_need_only_a_few_handles(tree, home, monkeypatch):
    monkeypatch.setattr(trees, "MOST_HANDLES", 3)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        tree.write(f"d{number}/x/y", b"1")
    assert len(os.listdir("/proc/self/fd")) <= before + 4


@pytest.mark.parametrize("path", ["../out", "/out", "a/../../out", "a//b", ""])
def test_a_path_that_climbs_is_refused(tree, home, path):
    with pytest.raises(InvalidPath):
        tree.write(path, b"x")
    assert [p.name for p in home.iterdir()] == ["root"]


def test_a_link_on_the_way_is_not_followed(tree, home):
    (home / "elsewhere").mkdir()
    (home / "root" / "link").symlink_to(home / "elsewhere")
    with pytest.raises(InvalidPath):
        tree.write("link/x", b"1")
    assert not list((home / "elsewhere").iterdir())


def test_the_root_itself_may_be_a_link(home):
    (home / "real").mkdir()
    (home / "root").symlink_to(home / "real")
    tree = Tree(home / "root")
    tree.write("a", b"1")
    tree.close()
    assert (home / "real" / "a").read_bytes() == b"1"


def test_a_folder_is_never_replaced_by_a_file(tree, home):
    (home / "root" / "a" / "b").mkdir(parents=True)
    with pytest.raises(PathCollision, match="is a folder"):
        tree.write("a", b"1")
    assert (home / "root" / "a" / "b").is_dir()
    assert not [p for p in (home / "root").iterdir() if p.name.endswith(".part")]


def test_what_is_there_is_seen_as_itself(tree, home):
    tree.write("a/b", b"1")
    assert tree.look("a/b").st_size == 1
    assert tree.look("a/nothing") is None
    assert tree.look("nothing/below") is None


def test_a_link_is_seen_as_itself(home):
    tree = Tree(home / "root")
    (home / "root" / "link").symlink_to("nowhere")
    found = tree.look("link")
    tree.close()
    assert found is not None
    assert stat.S_ISLNK(found.st_mode)


def test_this_file_system_tells_upper_from_lower_case(tree, home):
    assert not tree.ignores_case()
    assert not list((home / "root").iterdir())

"""Ways out of the folders that the operator opened; the canary's file tells whether anybody looked into it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from artifacts_site.outbound import Root
from registry.errors import ReferenceMissing, ReferenceRefused, ReferenceUnreachable
from registry.outbound.roots import Roots
from tests.outbound.watching import ACCESS, OPEN, Watched

REFUSED = (ReferenceRefused, ReferenceMissing, ReferenceUnreachable)


@pytest.fixture
def root(tmp_path, policy) -> Path:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").write_text("inside")
    (tmp_path / "rooted").mkdir()
    (tmp_path / "rooted" / "file").write_text("secret")
    policy(roots=(Root(str(root)),))
    return root


@pytest.fixture
def canary(tmp_path) -> Iterator[Path]:
    """A file beside the root that nobody may open."""
    file = tmp_path / "canary"
    file.write_text("secret")
    watched = Watched(file)
    yield file
    assert watched.happened() == set()
    watched.close()


SPELLINGS = [
    "{canary}", "{root}/../canary", "{root}/folder/../../canary", "{root}/./../canary",
    "{root}/.././canary", "{root}//../canary", "/{canary}", "//{canary}",
    "{root}/folder/.././../canary", "{root}/..//canary", "{root}/..", "{root}/../",
    "{root}/../rooted/file", "{root}ed/file", "{root}ed", "{root}/../root/folder/file",
    "{root}\x00/../canary", "{canary}\x00", "{root}/folder/file\x00", "{root}/folder/file\x00.png",
    "{root}/%2e%2e/canary", "{root}/%2e%2e%2fcanary", "{root}/..%2fcanary", "{root}/%252e%252e/canary",
    "{root}/.%2e/canary", "{root}/..%00/canary", "{root}/..\\canary", "{root}\\..\\canary",
    "\\{canary}", "{root}/..;/canary", "{root}/..;x=y/canary", "{root}/..#/canary",
    "{root}/..?/canary", "{root}/\u2025/canary", "{root}/\uff0e\uff0e/canary", "{root}/..\u2215canary",
    "{root}/..\uff0fcanary", "{root}/\udcc0\udcae\udcc0\udcae/canary", "{root}/..\udcc0\udcafcanary",
    "{root}/\ud800/canary", "{root}/...", "{root}/.../canary", "{root}/ ../canary",
    "{root}/.. /canary", "{root}/..\n/canary", "{root}\n/../canary", " {canary}", "{canary} ",
    "~/canary", "~root", "$HOME/canary", "canary", "./canary", "../canary", "root/folder/file", "",
    "/", ".", "..", "/..", "/.", "{root}/link", "{root}/linked/canary", "{root}/up/canary",
    "{root}/up/root/../canary", "{root}/chain", "{root}/absolute", "{root}/hop/hop/canary",
    "{root}/proc/self/root{canary}", "{root}/cwd/canary", "{root}/fd/0", "/proc/self/root{canary}",
    "/proc/self/cwd/canary", "/proc/self/environ", "/proc/1/environ", "/dev/stdin", "/dev/fd/0",
    "/dev/null", "/etc/passwd", "/etc/../etc/passwd", "file://{canary}", "file:{canary}", "C:\\canary",
    "\\\\host\\canary", "//host/canary", "{root}/folder/file/../../../canary", "{root}/folder/file/",
    "{root}/folder/file/x", "{root}/self", "{root}/round", "{root}/" + "a/" * 3000 + "x",
    "{root}/" + "a" * 300,
]  # fmt: skip


@pytest.fixture
def links(root, canary) -> Path:
    """Links of each kind that lead out."""
    for name, target in {
        "link": canary,
        "linked": canary.parent,
        "up": "..",
        "chain": "link",
        "absolute": root / "folder" / ".." / ".." / "canary",
        "proc": "/proc",
        "cwd": "/proc/self/cwd",
        "fd": "/proc/self/fd",
        "self": "self",
        "round": "folder/../round",
    }.items():
        (root / name).symlink_to(target)
    (root / "hop").symlink_to(root / "folder")
    (root / "folder" / "hop").symlink_to("../..")
    return root


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_leads_out(spelling, links, canary, monkeypatch):
    monkeypatch.chdir(links.parent)
    monkeypatch.setenv("HOME", str(links.parent))
    with pytest.raises(REFUSED) as refused:
        Roots("vision").resolved(spelling.format(root=links, canary=canary))
    assert "secret" not in str(refused.value)


def test_what_lies_below_is_read_and_links_below_are_resolved(root):
    (root / "link").symlink_to("folder/file")
    (root / "linked").symlink_to(root / "folder")
    (root / "back").symlink_to("../root/folder")
    roots = Roots("vision")
    for path in ("folder/file", "link", "linked/file", "back/file"):
        assert roots.resolved(f"{root}/{path}") == f"{root}/folder/file"
    assert roots.resolved(str(root)) == roots.resolved(f"{root}/") == str(root)
    assert roots.resolved(f"{root}/folder/") == f"{root}/folder"


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "ä",
        "e\u0301",
        "a\nb",
        "%2e%2e",
        "..a",
        "a..",
        "...",
        "#",
        "?",
        "*",
        "\udcff",
        "-",
        "a\\b",
    ],
)
def test_a_name_is_taken_as_it_is(name, root):
    (root / name).write_text("inside")
    assert Roots("vision").resolved(f"{root}/{name}") == f"{root}/{name}"


def test_a_root_that_is_a_link_is_what_it_leads_to(root, tmp_path, policy):
    (tmp_path / "mounted").symlink_to(root)
    policy(roots=(Root(str(tmp_path / "mounted")),))
    roots = Roots("vision")
    assert roots.resolved(f"{tmp_path}/mounted/folder/file") == f"{root}/folder/file"
    # As whoever opened it asks again.
    assert roots.resolved(f"{root}/folder/file") == f"{root}/folder/file"


def test_without_roots_nothing_is_read(root, policy):
    policy(roots=())
    with pytest.raises(ReferenceRefused, match="STRONGROOM_REFERENCE_ROOTS"):
        Roots("vision").resolved(f"{root}/folder/file")


def test_the_root_of_one_team_is_not_anothers(root, policy):
    policy(roots=(Root(str(root), "vision"),))
    assert Roots("vision").resolved(f"{root}/folder")
    with pytest.raises(ReferenceRefused):
        Roots("speech").resolved(f"{root}/folder")


def test_neither_devices_nor_pipes_nor_sockets_are_opened(root):
    os.mkfifo(root / "pipe")
    (root / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket"))
        for name in ("pipe", "socket", "null"):
            with pytest.raises(ReferenceRefused):
                Roots("vision").resolved(f"{root}/{name}")


def test_the_data_folder_is_read_by_no_link(root, settings, tmp_path, policy):
    settings.DATA_DIR = root / "data"
    (root / "data").mkdir()
    (root / "data" / "secret-key").write_text("x")
    with pytest.raises(ReferenceRefused):
        Roots("vision").resolved(f"{root}/data/secret-key")


def test_a_refusal_does_not_tell_where_a_link_leads(links, canary):
    with pytest.raises(ReferenceRefused) as refused:
        Roots("vision").resolved(f"{links}/link")
    assert "canary" not in f"{refused.value} {refused.value.details}"


# --- Races ----------------------------------------------------------------------------------------------
def read(roots: Roots, path: str) -> str:
    """Open a file as `core.references.local` does: judged by name, and again by what is open."""
    descriptor = os.open(roots.resolved(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        roots.resolved(os.readlink(f"/proc/self/fd/{descriptor}"))
        return os.read(descriptor, 100).decode()
    finally:
        os.close(descriptor)


# In a process of its own, for two threads of one would take turns.
EXCHANGE = """
import os, sys, time
root, canary, kind = sys.argv[1:]
name, new = f"{root}/file", f"{root}/new"
while True:
    if kind == "file":
        os.symlink(canary, new)
        os.rename(new, name)
        with open(new, "w") as file:
            file.write("inside")
        os.rename(new, name)
    else:
        os.rename(name, new)
        os.symlink(os.path.dirname(canary), name)
        time.sleep(0.0005)
        os.unlink(name)
        os.rename(new, name)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_exchanged_while_it_is_opened_is_never_read(kind, root, tmp_path):
    """Somebody exchanges a file, or a folder above it, for a link to the canary, as often as they can."""
    there = tmp_path / "there"
    there.mkdir()
    canary = there / "data"
    canary.write_text("secret")
    path = root / "file" if kind == "file" else root / "file" / "data"
    path.parent.mkdir(exist_ok=True)
    path.write_text("inside")
    watched, roots = Watched(canary), Roots("vision")
    found: list[str] = []
    refused = 0
    with subprocess.Popen([sys.executable, "-c", EXCHANGE, str(root), str(canary), kind]) as exchanging:
        try:
            for _ in range(200_000):
                if len(found) > 100 and refused > 5:
                    break
                try:
                    found.append(read(roots, str(path)))
                except ReferenceRefused:
                    refused += 1
                except (*REFUSED, OSError):
                    pass
        finally:
            exchanging.kill()
    happened = watched.happened()
    watched.close()
    assert found
    # A file that is being written anew is empty for a moment.
    assert set(found) <= {"inside", ""}
    assert refused
    # It may have been opened, between the two looks; then it was closed again, unread.
    assert ACCESS not in happened


def test_the_watch_itself_notices(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    watched = Watched(file)
    with contextlib.closing(watched):
        os.close(os.open(file, os.O_PATH))
        assert watched.happened() == set()
        file.read_text()
        assert watched.happened() == {ACCESS, OPEN}

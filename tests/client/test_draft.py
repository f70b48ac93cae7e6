"""Filling an artifact: what the arguments of add_file, add_dir, new_file and remove do."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
import strongroom
from strongroom.core.digests import ManifestDigest, md5_b64
from strongroom.errors import InvalidInput, InvalidPath, LocalFileError, PathCollision, PathNotInArtifact
from strongroom.hashing import open_item
from strongroom.staging import SMALL

LARGE = b"large" * (SMALL // 4)


@pytest.fixture
def artifact():
    return strongroom.Artifact("data", "dataset")


def write(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def paths(artifact) -> list[str]:
    return list(artifact.manifest)


def staged(artifact, path: str) -> bytes:
    """What would be uploaded."""
    draft = artifact._draft
    with open_item(draft.store.need(path), draft._staging) as file:
        return file.read()


def test_a_file_is_added_under_its_own_name_by_default(artifact, home):
    entry = artifact.add_file(write(home / "sub" / "a.txt", b"abc"))
    assert (entry.path, entry.size, entry.ref) == ("a.txt", 3, None)
    assert entry.digest == md5_b64(hashlib.md5(b"abc").digest())
    assert entry.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert entry.local_path == str(home / "sub" / "a.txt")
    assert entry.parent_artifact() is artifact


@pytest.mark.parametrize(
    ("name", "path"), [("x/y.txt", "x/y.txt"), ("./x", "x"), ("x//y", "x/y"), ("x/", "x")]
)
def test_a_name_may_be_given_loosely(artifact, home, name, path):
    assert artifact.add_file(write(home / "a"), name=name).path == path


@pytest.mark.parametrize("name", ["../x", "/x", "a/../b", "a\\b", "C:/x", "a\nb", "a\u202eb"])
def test_a_name_that_no_entry_may_have_is_refused(artifact, home, name):
    with pytest.raises(InvalidPath):
        artifact.add_file(write(home / "a"), name=name)
    assert paths(artifact) == []


@pytest.mark.parametrize("data", [b"before", LARGE], ids=["small", "large"])
def test_mutable_protects_from_later_changes(artifact, home, data):
    local = write(home / "a", data)
    artifact.add_file(local)
    local.write_bytes(b"after!")
    assert staged(artifact, "a") == data


def test_mutable_protects_from_changes_in_place_of_a_large_file(artifact, home):
    local = write(home / "a", LARGE)
    artifact.add_file(local)
    with local.open("r+b") as file:
        file.write(b"EVIL")
    assert staged(artifact, "a") == LARGE


def test_immutable_reads_the_file_itself(artifact, home):
    local = write(home / "a", b"before")
    artifact.add_file(local, policy="immutable")
    local.write_bytes(b"after!")
    assert staged(artifact, "a") == b"after!"
    assert artifact._draft._staging is None


@pytest.mark.parametrize("policy", ["", "MUTABLE", "both"])
def test_another_policy_is_refused(artifact, home, policy):
    with pytest.raises(ValueError, match="neither 'mutable' nor 'immutable'"):
        artifact.add_file(write(home / "a"), policy=policy)


def test_copies_are_private(artifact, home):
    artifact.add_file(write(home / "a", LARGE))
    artifact.add_file(write(home / "b"))
    folder = artifact._draft.staging.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(p.stat().st_mode) & 0o077 == 0 for p in folder.iterdir())


def test_copies_go_with_the_artifact(home):
    artifact = strongroom.Artifact("data", "dataset")
    artifact.add_file(write(home / "a"))
    folder = artifact._draft.staging.folder
    assert folder.is_dir()
    artifact._draft.close()
    assert not folder.exists()


def test_is_tmp_names_the_file_by_its_digest(artifact, home):
    entry = artifact.add_file(write(home / "a", b"abc"), name="t/name.table.json", is_tmp=True)
    assert entry.path == f"t/{hashlib.md5(b'abc').hexdigest()[:20]}.table.json"


def test_the_same_file_twice_is_one_entry(artifact, home):
    artifact.add_file(write(home / "a", b"1"))
    artifact.add_file(write(home / "b", b"1"), name="a")
    assert paths(artifact) == ["a"]


@pytest.mark.parametrize("data", [b"1", LARGE], ids=["small", "large"])
def test_other_contents_at_a_path_need_overwrite(artifact, home, data):
    artifact.add_file(write(home / "a", data))
    other = write(home / "b", data[:-1] + b"!")
    with pytest.raises(PathCollision, match="overwrite=True"):
        artifact.add_file(other, name="a")
    assert staged(artifact, "a") == data
    artifact.add_file(other, name="a", overwrite=True)
    assert staged(artifact, "a") == data[:-1] + b"!"


@pytest.mark.parametrize(("first", "second"), [("a", "a/b"), ("a/b/c", "a/b")])
def test_a_file_cannot_be_a_folder_too(artifact, home, first, second):
    local = write(home / "x")
    artifact.add_file(local, name=first)
    with pytest.raises(PathCollision, match="file and a folder"):
        artifact.add_file(local, name=second)
    assert paths(artifact) == [first]


def test_a_file_that_is_not_there_is_refused(artifact, home):
    with pytest.raises(LocalFileError, match="There is no 'missing'"):
        artifact.add_file("missing")
    with pytest.raises(ValueError, match="add_dir"):
        artifact.add_file(home)


def test_a_folder_is_added_with_all_that_is_in_it(artifact, home):
    for name in ("a", "b/c", "b/d/e", ".hidden"):
        write(home / "in" / name, name.encode())
    artifact.add_dir(home / "in")
    assert paths(artifact) == [".hidden", "a", "b/c", "b/d/e"]
    assert staged(artifact, "b/d/e") == b"b/d/e"


@pytest.mark.parametrize("name", ["data/train", "data/train/", "./data/train"])
def test_a_folder_may_be_put_below_another(artifact, home, name):
    write(home / "in" / "a")
    artifact.add_dir(home / "in", name=name)
    assert paths(artifact) == ["data/train/a"]


@pytest.mark.parametrize("name", [None, ".", "./"])
def test_a_folder_goes_to_the_root_by_default(artifact, home, name):
    write(home / "in" / "a")
    artifact.add_dir(home / "in", name=name)
    assert paths(artifact) == ["a"]


def test_an_empty_folder_adds_nothing(artifact, home):
    (home / "in").mkdir()
    artifact.add_dir(home / "in")
    assert paths(artifact) == []


def test_many_files_of_all_sizes_keep_their_own_bytes(artifact, home):
    sizes = [0, 1, 1000, 65536, 65537, SMALL - 1, SMALL, SMALL + 1]
    made = {f"f{n:03}": os.urandom(sizes[n % len(sizes)]) for n in range(40)}
    for name, data in made.items():
        write(home / "in" / name, data)
    artifact.add_dir(home / "in")
    assert {path: staged(artifact, path) for path in paths(artifact)} == made


def test_adding_a_folder_is_all_or_nothing(artifact, home):
    write(home / "one" / "kept", b"1")
    artifact.add_dir(home / "one")
    for n in range(20):
        write(home / "two" / f"f{n}", b"2")
    write(home / "two" / "kept", b"changed")
    with pytest.raises(PathCollision, match="merge=True"):
        artifact.add_dir(home / "two")
    assert paths(artifact) == ["kept"]
    artifact.add_dir(home / "two", merge=True)
    assert len(paths(artifact)) == 21
    assert staged(artifact, "kept") == b"changed"


def test_a_link_to_a_folder_is_followed_and_a_loop_refused(artifact, home):
    write(home / "real" / "a")
    (home / "in").mkdir()
    (home / "in" / "link").symlink_to(home / "real")
    artifact.add_dir(home / "in")
    assert paths(artifact) == ["link/a"]
    (home / "in" / "loop").symlink_to(home / "in")
    with pytest.raises(LocalFileError, match="loop"):
        artifact.add_dir(home / "in", name="again")
    assert paths(artifact) == ["link/a"]


def test_a_pipe_is_refused_without_waiting(artifact, home):
    write(home / "in" / "a")
    os.mkfifo(home / "in" / "pipe")
    with pytest.raises(LocalFileError, match="not a regular file"):
        artifact.add_dir(home / "in")
    assert paths(artifact) == []


def test_a_broken_link_is_named(artifact, home):
    (home / "in").mkdir()
    (home / "in" / "gone").symlink_to("nowhere")
    with pytest.raises(LocalFileError, match="gone cannot be read"):
        artifact.add_dir(home / "in")


def test_a_name_that_is_no_text_is_refused(artifact, home):
    (home / "in").mkdir()
    Path(os.fsdecode(os.fsencode(home / "in") + b"/\xff")).write_bytes(b"1")
    with pytest.raises(InvalidInput):
        artifact.add_dir(home / "in")
    assert paths(artifact) == []


def test_a_local_folder_whose_name_is_no_text_does_no_harm(artifact, home):
    odd = os.fsencode(home) + b"/\xff"
    os.mkdir(odd)
    Path(os.fsdecode(odd + b"/a")).write_bytes(b"1")
    artifact.add_dir(os.fsdecode(odd), policy="immutable")
    assert staged(artifact, "a") == b"1"


def test_a_new_file_is_added_when_it_is_closed(artifact):
    with artifact.new_file("notes/a.txt") as file:
        file.write("hello")
        assert paths(artifact) == []
        assert file.name.endswith("a.txt")
    assert staged(artifact, "notes/a.txt") == b"hello"


def test_a_new_file_takes_mode_and_encoding(artifact):
    with artifact.new_file("bytes", mode="wb") as file:
        file.write(b"\x00\xff")
    with artifact.new_file("latin", encoding="latin-1") as file:
        file.write("é")
    assert staged(artifact, "bytes") == b"\x00\xff"
    assert staged(artifact, "latin") == b"\xe9"


def test_a_new_file_is_exclusive_unless_told_otherwise(artifact):
    with artifact.new_file("a") as file:
        file.write("1")

    def again(mode: str) -> None:
        with artifact.new_file("a", mode=mode) as file:
            file.write("2")

    with pytest.raises(PathCollision, match="has 'a' already"):
        again("x")
    assert staged(artifact, "a") == b"1"
    again("w")
    assert staged(artifact, "a") == b"2"
    again("a")
    assert staged(artifact, "a") == b"22"


def test_a_new_file_that_fails_is_not_added(artifact):
    def fail() -> None:
        with artifact.new_file("a") as file:
            file.write("half")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert paths(artifact) == []
    with artifact.new_file("a") as file:
        file.write("whole")
    assert staged(artifact, "a") == b"whole"


def test_a_replacement_that_fails_leaves_what_was_there(artifact):
    with artifact.new_file("a") as file:
        file.write("whole")

    def fail() -> None:
        with artifact.new_file("a", mode="w") as file:
            file.write("half")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert staged(artifact, "a") == b"whole"


def test_a_file_that_was_added_is_added_to(artifact, home):
    artifact.add_file(write(home / "log.txt", b"1"))
    with artifact.new_file("log.txt", mode="a") as file:
        file.write("2")
    assert staged(artifact, "log.txt") == b"12"
    assert (home / "log.txt").read_bytes() == b"1"


@pytest.mark.parametrize("mode", ["r", "rb", "r+", "q"])
def test_a_new_file_is_opened_for_writing(artifact, mode):
    with pytest.raises(ValueError, match="mode"), artifact.new_file("a", mode=mode):
        pass
    assert paths(artifact) == []


def test_entries_and_folders_are_removed(artifact, home):
    for name in ("a", "b/c", "b/d", "bb"):
        write(home / "in" / name)
    artifact.add_dir(home / "in")
    artifact.remove("a")
    artifact.remove("b/")
    assert paths(artifact) == ["bb"]
    artifact.remove(artifact.manifest["bb"])
    assert paths(artifact) == []


def test_removing_what_is_not_there_says_so(artifact):
    with pytest.raises(FileNotFoundError, match="nothing") as caught:
        artifact.remove("nothing")
    assert isinstance(caught.value, PathNotInArtifact)
    assert "'nothing'" in str(caught.value)


def test_digest_and_size_of_a_draft_are_those_of_its_contents(artifact, home):
    made = {"a": b"1", "b/c": LARGE, "é": b""}
    expected = ManifestDigest()
    for name, data in sorted(made.items()):
        write(home / "in" / name, data)
        expected.add(name, md5_b64(hashlib.md5(data).digest()))
    artifact.add_dir(home / "in")
    assert artifact.digest == expected.hexdigest()
    assert artifact.size == len(LARGE) + 1
    artifact.remove("a")
    assert artifact.digest != expected.hexdigest()


def test_an_empty_artifact_has_the_digest_of_nothing(artifact):
    assert artifact.digest == hashlib.md5(b"wandb-artifact-manifest-v1\n").hexdigest()
    assert artifact.size == 0


def test_what_a_killed_process_staged_is_swept(home, tmp_path):
    left = tmp_path / "home" / "cache" / "strongroom" / "staging" / "left"
    write(left / "lock")
    write(left / "copy-1", b"x")
    strongroom.Artifact("data", "dataset").add_file(write(home / "a"))
    assert not left.exists()


def test_what_a_living_process_staged_is_left_alone(home):
    first, second = strongroom.Artifact("a", "dataset"), strongroom.Artifact("b", "dataset")
    first.add_file(write(home / "a", b"1"))
    second.add_file(write(home / "b", b"2"))
    assert staged(first, "a") == b"1"
    assert first._draft.staging.folder.is_dir()

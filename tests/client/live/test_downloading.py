"""Downloading from a running installation: what stays, what is fetched, what the cache spares."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import strongroom
from strongroom.cache import Cache
from strongroom.errors import DigestMismatch, InvalidInput, SizeMismatch

MIB = 1 << 20


@pytest.fixture
def files() -> dict[str, bytes]:
    """Small ones, a large one, and equal ones."""
    made = {f"d{n % 3}/f{n:02}": os.urandom(1000) for n in range(30)}
    return {
        **made,
        "large": os.urandom(5 * MIB),
        "twin/large": b"",
        "same/a": b"same",
        "same/b": b"same",
        "empty": b"",
    }


@pytest.fixture
def artifact(run, home, files) -> strongroom.Artifact:
    """They are logged."""
    files["twin/large"] = files["large"]
    for name, data in files.items():
        path = home / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    made = strongroom.Artifact("data", "dataset")
    made.add_dir(home / "in")
    run.log_artifact(made)
    return strongroom.Api().artifact("data")


def content(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize("skip_cache", [True, False])
def test_everything_arrives_and_nothing_else(artifact, home, files, skip_cache):
    root = Path(artifact.download(home / "out", skip_cache=skip_cache))
    assert root == home / "out"
    assert content(root) == files
    artifact.verify(root)


def test_a_prefix_that_nothing_starts_with_is_told(artifact, home):
    with pytest.warns(UserWarning, match="no path that starts with 'nothing'"):
        artifact.download(home / "out", path_prefix="nothing")
    assert content(home / "out") == {}


def test_files_are_had_by_their_place(artifact, files):
    found = artifact.files()
    assert (found[0].path, found[-1].path) == (min(files), max(files))
    with pytest.raises(IndexError):
        found[len(files)]


def test_a_large_file_with_a_long_path_arrives(run, home):
    path = "/".join(["漢" * 80] * 6) + "/big"
    (home / "big").write_bytes(os.urandom(3 * MIB))
    made = strongroom.Artifact("long", "dataset")
    made.add_file(home / "big", name=path)
    run.log_artifact(made)
    root = Path(strongroom.Api().artifact("long").download(home / "out", skip_cache=True))
    assert content(root) == {path: (home / "big").read_bytes()}


def test_the_default_folder_is_below_artifacts(artifact, home, files, project):
    root = Path(artifact.download())
    assert root == Path("artifacts") / f"alice-{project}-data-v0"
    assert content(home / root) == files


def test_a_prefix_brings_only_what_starts_with_it(artifact, home, files):
    root = Path(artifact.download(home / "out", path_prefix="d1/"))
    assert content(root) == {path: data for path, data in files.items() if path.startswith("d1/")}
    artifact.download(home / "more", path_prefix="d")
    assert len(content(home / "more")) == 30


def test_equal_files_stay_as_they_are_and_others_are_replaced(artifact, home, files):
    root = Path(artifact.download(home / "out"))
    (root / "mine").write_text("stays")
    (root / "d0" / "f00").write_bytes(b"x" * 1000)
    (root / "large").write_bytes(b"x" * 5 * MIB)
    os.utime(root / "same" / "a", ns=(1, 1))
    artifact.download(root)
    assert content(root) == {**files, "mine": b"stays"}
    assert (root / "same" / "a").stat().st_mtime_ns == 1


def test_a_second_download_comes_from_the_cache(artifact, home, files, proxy):
    found = strongroom.Api().artifact("data")
    found.download(home / "one")
    begun = proxy.down
    found.download(home / "two")
    assert proxy.down - begun < 1000
    assert content(home / "two") == files


def test_a_cached_file_that_was_changed_is_fetched_again(artifact, home, files):
    artifact.download(home / "one")
    for path in ("large", "d0/f00", "same/a"):
        with (home / "one" / path).open("r+b") as file:
            file.write(b"EVIL")
    artifact.download(home / "two")
    assert content(home / "two") == files
    artifact.download(home / "three")
    assert content(home / "three") == files


def test_roots_never_share_a_file(artifact, home):
    for name in ("one", "two", "three"):
        artifact.download(home / name)
    for path in ("large", "d0/f00"):
        assert len({(home / name / path).stat().st_ino for name in ("one", "two", "three")}) == 3


def test_skipping_the_cache_leaves_it_alone(artifact, home):
    Cache().clean()
    artifact.download(home / "out", skip_cache=True)
    assert Cache().info().files == 0
    assert all(p.stat().st_nlink == 1 for p in (home / "out").rglob("*") if p.is_file())


def test_checkout_leaves_the_artifact_alone_in_the_folder(artifact, home, files):
    root = Path(artifact.download(home / "out"))
    (root / "mine").write_text("goes")
    (root / "folder" / "below").mkdir(parents=True)
    (root / "folder" / "below" / "x").write_text("goes, too")
    (root / "link").symlink_to(home)
    (root / "d0" / "f00").unlink()
    artifact.checkout(root)
    assert content(root) == files
    assert not (root / "folder").exists()
    assert not (root / "link").is_symlink()
    assert home.is_dir()


def test_verify_names_the_first_difference(artifact, home):
    root = Path(artifact.download(home / "out"))
    artifact.verify(root)
    (root / "d0" / "f00").write_bytes(b"x" * 1000)
    with pytest.raises(DigestMismatch, match="f00 has other contents"):
        artifact.verify(root)
    (root / "d0" / "f00").write_bytes(b"x")
    with pytest.raises(SizeMismatch, match="f00 has 1 bytes instead of 1000"):
        artifact.verify(root)
    (root / "d0" / "f00").unlink()
    with pytest.raises(ValueError, match="f00 is missing"):
        artifact.verify(root)
    (root / "extra").write_text("x")
    with pytest.raises(ValueError, match="extra is not part of data:v0"):
        artifact.verify(root)


def test_one_entry_can_be_downloaded(artifact, home, files):
    entry = artifact.get_entry("d1/f01")
    path = entry.download(home / "out")
    assert Path(path).read_bytes() == files["d1/f01"]
    assert list(content(home / "out")) == ["d1/f01"]


def test_an_entry_of_a_draft_can_be_downloaded_once_it_is_logged(artifact, home):
    data = b"large" * 500_000
    (home / "huge").write_bytes(data)
    draft = artifact.new_draft()
    entry = draft.add_file(home / "huge")
    draft.save()
    assert entry.sha256 == hashlib.sha256(data).hexdigest()
    assert Path(entry.download(home / "again")).read_bytes() == data


def test_what_only_the_server_has_is_replaced_but_not_added_to(artifact):
    draft = artifact.new_draft()
    with pytest.raises(InvalidInput, match="on the server"), draft.new_file("d1/f01", mode="a"):
        pass
    with draft.new_file("d1/f01", mode="w") as file:
        file.write("new")
    assert draft.manifest["d1/f01"].size == 3


def test_a_download_that_breaks_goes_on_where_it_ended(artifact, home, files, proxy, monkeypatch):
    monkeypatch.setattr("strongroom._retry.FIRST_DELAY", 0.01)
    found = strongroom.Api().artifact("data")
    total = sum(map(len, files.values())) - 5 * MIB - 4
    for cut in (MIB, 2 * MIB):
        proxy.cut_down = cut
        found.download(home / f"out-{cut}", skip_cache=True)
        assert content(home / f"out-{cut}") == files
    assert proxy.cuts == 2
    assert proxy.down < 2.4 * total


def test_a_root_that_cannot_be_written_is_named(artifact, home):
    (home / "file").write_text("x")
    with pytest.raises(ValueError, match="file"):
        artifact.download(home / "file" / "below")


def test_a_folder_in_the_place_of_a_file_is_named(artifact, home):
    (home / "out" / "large").mkdir(parents=True)
    (home / "out" / "d0" / "f00").mkdir(parents=True)
    with pytest.raises(ValueError, match="is a folder"):
        artifact.download(home / "out")
    assert not [p for p in (home / "out").rglob("*.part") if "f00" in p.name]


@pytest.mark.parametrize("skip_cache", [False, True])
def test_a_large_file_that_was_logged_is_in_the_cache_unless_told_otherwise(run, home, skip_cache):
    (home / "weights").write_bytes(os.urandom(3 * MIB))
    made = strongroom.Artifact("weights", "model")
    made.add_file(home / "weights", skip_cache=skip_cache)
    run.log_artifact(made)
    assert Cache().info().files == (0 if skip_cache else 1)

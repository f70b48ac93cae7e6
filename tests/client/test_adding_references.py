"""Artifact.add_reference: what it adds to a draft, what it refuses, and that it never adds a half."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import strongroom
from strongroom import Artifact, progress
from strongroom.errors import (
    ArtifactFinalizedError,
    ArtifactNotLoggedError,
    InvalidInput,
    InvalidPath,
    InvalidUri,
    NothingFound,
    PathCollision,
    ReferenceMissing,
    ReferenceUnreachable,
    TooManyObjects,
)

from tests.client.test_package import Terminal


@pytest.fixture
def draft() -> Artifact:
    """An artifact to fill."""
    return Artifact("data", "dataset")


@pytest.fixture
def folder(home: Path) -> Path:
    """A few files."""
    for name in ("a", "b/c", "b/d"):
        (home / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "in" / name).write_text(name)
    return home / "in"


def test_a_folder_becomes_entries_and_no_bytes(draft, folder):
    added = draft.add_reference(f"file://{folder}", name="x")
    assert isinstance(added, Sequence)
    assert [entry.path for entry in added] == ["x/a", "x/b/c", "x/b/d"]
    assert (len(added), added[0].path, added[-1].path) == (3, "x/a", "x/b/d")
    assert [entry.path for entry in added[1:]] == ["x/b/c", "x/b/d"]
    assert added == list(added)
    assert added[0] in added
    with pytest.raises(IndexError):
        added[3]
    assert "3" in repr(added)
    entry = draft.manifest["x/a"]
    assert (entry.ref, entry.ref_target(), entry.size, entry.local_path) == (
        f"file://{folder}/a", f"file://{folder}/a", 1, None,
    )  # fmt: skip
    assert entry.digest == "DMF1ucDxtqgxw5niaXcmYQ=="
    assert draft.size == 7
    assert "ref" in b"".join(draft.manifest.to_json()).decode()


def test_the_digest_is_that_of_the_same_files(folder):
    """As the `wandb` client has it: paths and digests make the digest of a manifest."""
    referring, holding = Artifact("data", "dataset"), Artifact("data", "dataset")
    referring.add_reference(f"file://{folder}")
    holding.add_dir(folder)
    assert referring.digest == holding.digest


@pytest.mark.parametrize("name", [None, ".", "./", Path(".")])
def test_the_root_is_the_place_by_default(draft, folder, name):
    assert [entry.path for entry in draft.add_reference(f"file://{folder}", name)] == ["a", "b/c", "b/d"]


def test_a_name_may_be_a_path_or_begin_with_a_dot(draft, folder):
    assert draft.add_reference(f"file://{folder}/a", Path("./x/y"))[0].path == "x/y"


@pytest.mark.parametrize("uri", ["data", "/data", "", Path("/data"), None])
def test_what_is_no_uri_is_a_value_error(draft, uri):
    with pytest.raises(ValueError, match="no URI"):
        draft.add_reference(uri)
    assert len(draft.manifest) == 0


def test_a_needed_name_that_is_missing_is_a_value_error(draft):
    with pytest.raises(ValueError, match="needs a name"):
        draft.add_reference("hdfs://cluster/a")
    (entry,) = draft.add_reference("hdfs://cluster/a", "a")
    assert (entry.digest, entry.size, entry.extra) == ("hdfs://cluster/a", None, {})


def test_final_contents_take_no_reference(draft, folder):
    draft.finalize()
    with pytest.raises(ArtifactFinalizedError):
        draft.add_reference(f"file://{folder}")


def test_an_entry_of_a_draft_is_no_target_yet(draft, folder):
    (entry,) = draft.add_reference(f"file://{folder}/a")
    with pytest.raises(ArtifactNotLoggedError, match="log_artifact"):
        Artifact("other", "dataset").add_reference(entry)


def test_without_a_checksum_nothing_is_read(draft):
    (entry,) = draft.add_reference("file:///not/there", checksum=False)
    assert (entry.path, entry.digest, entry.size) == ("there", "file:///not/there", None)


def test_what_is_left_to_the_server_is_not_looked_at_here(draft, folder):
    assert list(draft.add_reference("s3://bucket/prefix", "far", by_server=True)) == []
    assert len(draft.manifest) == 0
    for known in ("digest", "size"):
        with pytest.raises(ArtifactNotLoggedError, match="references that the server is to look at"):
            getattr(draft, known)
    draft.add_reference(f"file://{folder}/a")
    draft.remove("far")
    assert draft.size == 1
    with pytest.raises(FileNotFoundError):
        draft.remove("far")


def test_what_is_left_to_the_server_is_judged_at_once(draft):
    with pytest.raises(InvalidUri):
        draft.add_reference("no uri", by_server=True)
    with pytest.raises(InvalidPath):
        draft.add_reference("s3://bucket/prefix", "../up", by_server=True)
    with pytest.raises(InvalidInput, match="at least 1"):
        draft.add_reference("s3://bucket/prefix", max_objects=0, by_server=True)
    with pytest.raises(InvalidInput, match="needs a name"):
        draft.add_reference("http://example.org", by_server=True)
    draft.finalize()
    with pytest.raises(ArtifactFinalizedError):
        draft.add_reference("s3://bucket/prefix", by_server=True)


def test_without_a_checksum_there_is_nothing_to_leave_to_the_server(draft):
    (entry,) = draft.add_reference("s3://bucket/prefix", checksum=False, by_server=True)
    assert entry.path == "prefix"


def test_nothing_is_half_added(draft, folder):
    (folder / "z").symlink_to("nothing")
    with pytest.raises(ReferenceMissing):
        draft.add_reference(f"file://{folder}")
    os.unlink(folder / "z")
    with pytest.raises(TooManyObjects):
        draft.add_reference(f"file://{folder}", max_objects=2)
    (folder / "e").mkdir()
    with pytest.raises(NothingFound):
        draft.add_reference(f"file://{folder}/e")
    with pytest.raises(ReferenceUnreachable):
        draft.add_reference("http://127.0.0.1:9/x")
    assert len(draft.manifest) == 0
    draft.add_reference(f"file://{folder}", max_objects=3)
    assert len(draft.manifest) == 3


def test_an_interrupted_listing_leaves_the_draft_as_it_was(draft, folder, monkeypatch):
    draft.add_reference("hdfs://x/y", "kept")

    def interrupted(*given, **named):
        yield from list(strongroom.artifact._contents.expand_before(*given, **named))[:2]
        raise KeyboardInterrupt

    contents = strongroom.artifact._contents
    monkeypatch.setattr(contents, "expand_before", contents.expand, raising=False)
    monkeypatch.setattr(contents, "expand", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draft.add_reference(f"file://{folder}")
    assert list(draft.manifest) == ["kept"]


def test_other_contents_at_a_path_are_refused(draft, folder):
    draft.add_file(folder / "a", "x/a")
    for uri, name in (
        (f"file://{folder}", "x"),
        ("hdfs://x/y", "x/a"),
        ("hdfs://x/y", "x"),
        ("hdfs://x/y", "x/a/b"),
    ):
        with pytest.raises(PathCollision):
            draft.add_reference(uri, name)
    assert list(draft.manifest) == ["x/a"]
    draft.add_reference(f"file://{folder}", "y")
    assert list(draft.add_reference(f"file://{folder}", "y")) == draft.manifest.get_entries_in_directory("y")
    (folder / "a").write_text("changed")
    with pytest.raises(PathCollision):
        draft.add_reference(f"file://{folder}", "y")
    draft.remove("y")
    assert len(draft.add_reference(f"file://{folder}", "y")) == 3
    with pytest.raises(PathCollision):
        draft.add_file(folder / "a", "y/a")
    draft.add_file(folder / "a", "y/a", overwrite=True)
    assert draft.manifest["y/a"].ref is None


def test_what_was_added_stays_as_it_was_when_the_draft_changes(draft, folder):
    added = draft.add_reference(f"file://{folder}")
    draft.remove("b")
    assert len(added) == 3
    assert len(draft.manifest) == 1


def test_entries_of_references_are_removed_and_replaced(draft, folder):
    added = draft.add_reference(f"file://{folder}")
    draft.remove(added[0])
    assert list(draft.manifest) == ["b/c", "b/d"]
    with draft.new_file("b/c", "w") as file:
        file.write("bytes now")
    assert draft.manifest["b/c"].ref is None
    with (
        pytest.raises(InvalidInput, match="elsewhere, for it is a reference"),
        draft.new_file("b/d", "a") as file,
    ):
        file.write("more")


def test_somebody_who_watches_sees_how_many_there_are(draft, folder, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    monkeypatch.setattr(progress, "SHOW_AFTER", 0.0)
    monkeypatch.setattr(progress, "REDRAW_EVERY", 0.0)
    draft.add_reference(f"file://{folder}")
    assert f"Adding file://{folder}"[:40] in terminal.getvalue()
    assert "3 objects, 7 B" in terminal.getvalue()
    assert isinstance(terminal, io.StringIO)

"""References logged to a running installation, and downloaded again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import strongroom
from strongroom import Api, Artifact
from strongroom.core.references.artifacts import uri_of
from strongroom.errors import Forbidden, NotFound, ReferenceChanged, ReferenceRefused

from tests.client.live.test_command_line import command
from tests.references.web import Web


@pytest.fixture
def web(scripted):
    """A web server, as (files, address)."""
    files = Web()
    return files, scripted(files).url


@pytest.fixture
def folder(home: Path) -> Path:
    """A few local files."""
    (home / "in" / "sub").mkdir(parents=True)
    (home / "in" / "a").write_text("1")
    (home / "in" / "sub" / "b").write_text("22")
    return home / "in"


def test_references_come_back_as_they_were_logged(run, web, folder, home):
    files, address = web
    files.put("/x/w.bin", b"on the web", '"e1"')
    artifact = Artifact("data", "dataset")
    artifact.add_reference(f"file://{folder}", "local")
    artifact.add_reference(f"{address}/x/w.bin")
    artifact.add_reference("hdfs://cluster/y", "other/y")
    before = [(e.path, e.digest, e.size, e.ref, e.extra) for e in artifact.manifest.values()]
    run.log_artifact(artifact)
    logged = Api().artifact("data:v0")
    assert [(e.path, e.digest, e.size, e.ref, e.extra) for e in logged.manifest.values()] == before
    assert (logged.file_count, logged.size) == (4, 13)
    with pytest.warns(UserWarning, match="'other/y' was skipped"):
        root = Path(logged.download(home / "out", allow_missing_references=True))
    assert (root / "local" / "sub" / "b").read_text() == "22"
    assert (root / "w.bin").read_bytes() == b"on the web"
    files.put("/x/w.bin", b"new there!", '"e2"')
    with pytest.raises(ReferenceChanged):
        logged.get_entry("w.bin").download(home / "new", skip_cache=True)


def test_the_same_references_make_no_new_version(run, folder):
    for version in ("v0", "v0"):
        artifact = Artifact("data", "dataset")
        artifact.add_reference(f"file://{folder}")
        assert run.log_artifact(artifact).version == version
    (folder / "a").write_text("3")
    artifact = Artifact("data", "dataset")
    artifact.add_reference(f"file://{folder}")
    assert run.log_artifact(artifact).version == "v1"


def test_many_references_are_logged_as_a_manifest(run, home):
    (home / "many").mkdir()
    for number in range(300):
        (home / "many" / f"{number:03}").write_text(str(number))
    artifact = Artifact("data", "dataset")
    assert len(artifact.add_reference(f"file://{home}/many")) == 300
    run.log_artifact(artifact)
    root = Path(Api().artifact("data:latest").download(home / "out"))
    assert (root / "299").read_text() == "299"


def test_a_reference_to_an_entry_of_another_artifact(run, project, folder, home, web):
    files, address = web
    files.put("/w", b"on the web", '"e1"')
    source = Artifact("source", "dataset")
    source.add_dir(folder)
    source.add_reference(f"{address}/w", "w")
    run.log_artifact(source)
    entry = source.get_entry("sub/b")
    split = Artifact("split", "dataset")
    (added,) = split.add_reference(entry)
    assert (added.path, added.ref, added.digest, added.size) == (
        "b", uri_of(source.id, "sub/b"), entry.digest, 2,
    )  # fmt: skip
    split.add_reference(entry.ref_url(), "again/b")
    split.add_reference(source.get_entry("w"), "w")
    run.log_artifact(split)
    third = Artifact("third", "dataset")
    (followed,) = third.add_reference(split.get_entry("b"), "c")
    assert followed.ref == added.ref  # to where the bytes are, not to the artifact in between
    run.log_artifact(third)
    assert third.get_entry("c").ref_target() == added.ref
    assert split.get_entry("w").ref_target() == f"{address}/w"
    root = Path(Api().artifact("split:latest").download(home / "out"))
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == [
        "again/b",
        "b",
        "w",
    ]
    assert (root / "again" / "b").read_text() == "22"
    assert (root / "w").read_bytes() == b"on the web"
    assert Path(third.download(home / "third"), "c").read_text() == "22"


def test_nobody_refers_to_what_they_may_not_see(run, project, alice, charlie, folder, home, monkeypatch):
    source = Artifact("source", "dataset")
    source.add_dir(folder)
    run.log_artifact(source)
    uri = source.get_entry("a").ref_url()
    monkeypatch.setenv("STRONGROOM_API_KEY", charlie.key)
    with pytest.raises((NotFound, Forbidden)):
        Artifact("mine", "dataset").add_reference(uri)
    # Said without looking, it gives nothing away either: the bytes are asked for with one's own rights.
    with strongroom.init(project="stolen", settings=None) as mine:
        stolen = Artifact("mine", "dataset")
        stolen.add_reference(uri, checksum=False)
        mine.log_artifact(stolen)
        with pytest.raises((NotFound, Forbidden)):
            stolen.download(home / "out")


def test_a_new_draft_keeps_references(run, folder):
    artifact = Artifact("data", "dataset")
    artifact.add_reference(f"file://{folder}")
    run.log_artifact(artifact)
    draft = artifact.new_draft()
    draft.remove("a")
    draft.add_reference("hdfs://x/y", "y")
    run.log_artifact(draft)
    assert list(draft.manifest) == ["sub/b", "y"]


def test_the_command_line_puts_references(project, folder, home):
    done = command(
        "put", f"file://{folder}", "data", "--type", "dataset", "--reference", "x/y=hdfs://a/b?c=d", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["file_count"] == 3
    listed = [
        json.loads(line)
        for line in command("ls", f"alice/{project}/data:latest", "--json").stdout.splitlines()
    ]
    assert [(one["path"], one["ref"]) for one in listed] == [
        ("a", f"file://{folder}/a"), ("sub/b", f"file://{folder}/sub/b"), ("x/y", "hdfs://a/b?c=d"),
    ]  # fmt: skip
    done = command("put", folder / "a", "mixed", "--type", "dataset", "--reference", f"file://{folder}/sub")
    assert done.returncode == 0, done.stderr
    done = command("put", f"file://{folder}", "plain", "--type", "dataset", "--no-checksum", "--json")
    assert json.loads(done.stdout)["file_count"] == 1
    done = command("put", f"file://{folder}", "few", "--type", "dataset", "--max-objects", "1")
    assert (done.returncode, "More than 1 objects" in done.stderr) == (1, True)
    done = command("put", "far/y=hdfs://a/b", "alone", "--type", "dataset", "--json")
    assert done.returncode == 0, done.stderr
    assert [entry.path for entry in Api().artifact("alone:v0").manifest.values()] == ["far/y"]
    done = command("put", folder / "a", "none", "--type", "dataset", "--reference", "nothing")
    assert (done.returncode, "is no URI" in done.stderr) == (2, True)


def test_what_is_left_to_the_server_comes_with_the_files(run, home):
    artifact = Artifact("mixed", "dataset", metadata={"n": 1})
    with artifact.new_file("here.txt") as file:
        file.write("here")
    artifact.add_reference("ftp://example.org/1", "far/1", by_server=True)
    artifact.add_reference("ftp://example.org/2", "far/2", by_server=True)
    run.log_artifact(artifact, aliases=["best"], tags=["t"])
    assert [entry.path for entry in artifact.manifest.values()] == ["far/1", "far/2", "here.txt"]
    assert (artifact.version, sorted(artifact.aliases), artifact.tags) == ("v0", ["best", "latest"], ["t"])
    assert (artifact.metadata, artifact.logged_by().id) == ({"n": 1}, run.id)
    again = Artifact("mixed", "dataset")
    again.add_reference("ftp://example.org/1", "far/1", by_server=True)
    assert run.log_artifact(again).version == "v1"
    same = Artifact("mixed", "dataset")
    same.add_reference("ftp://example.org/1", "far/1", by_server=True)
    assert run.log_artifact(same).version == "v1"


def test_what_the_server_may_not_reach_is_told_and_nothing_is_logged(run, project):
    artifact = Artifact("refused", "dataset")
    artifact.add_reference("file:///etc/passwd", by_server=True)
    with pytest.raises(ReferenceRefused):
        run.log_artifact(artifact)
    assert artifact.is_draft()
    slow = Artifact("refused", "dataset")
    slow.add_reference("http://localhost/x", by_server=True)
    with pytest.raises(ReferenceRefused, match="Try again or drop it at http.*/pending/"):
        run.log_artifact(slow)

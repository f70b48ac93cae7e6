"""What an artifact gives, and refuses, before it is finalized, before it is logged, and afterwards."""

from __future__ import annotations

import datetime as dt

import pytest
import strongroom
from strongroom import ArtifactFinalizedError, ArtifactNotLoggedError, ArtifactTTL, StrongroomError
from strongroom.errors import Forbidden, InvalidMetadata, InvalidName, InvalidTtl, InvalidType, ReservedType

from tests.client.fake_version import FakeVersion

NEED_LOGGING = [
    "aliases", "collection", "commit_hash", "created_at", "entity", "file_count", "project", "qualified_name",
    "linked_artifacts", "source_artifact",
    "source_collection", "source_entity", "source_project", "source_qualified_name", "source_version", "tags",
    "updated_at", "url", "version",
]  # fmt: skip
CALLS = [
    "checkout",
    "delete",
    "download",
    "file",
    "files",
    "logged_by",
    "new_draft",
    "unlink",
    "used_by",
    "verify",
    "wait",
]


@pytest.fixture
def draft():
    return strongroom.Artifact("data", "dataset", description="card", metadata={"a": 1})


@pytest.mark.parametrize("name", NEED_LOGGING)
def test_what_exists_only_after_logging_says_so(draft, name):
    with pytest.raises(ArtifactNotLoggedError, match="log_artifact"):
        getattr(draft, name)
    assert not hasattr(draft, name)


@pytest.mark.parametrize("name", CALLS)
def test_calls_that_need_logging_say_so(draft, name):
    with pytest.raises(ArtifactNotLoggedError):
        getattr(draft, name)()


def test_more_calls_that_need_logging(draft, home):
    (home / "a").write_text("1")
    entry = draft.add_file(home / "a")
    with pytest.raises(ArtifactNotLoggedError):
        draft.get_entry("a")
    with pytest.raises(ArtifactNotLoggedError):
        entry.download()
    with pytest.raises(ArtifactNotLoggedError):
        draft.aliases = ["x"]
    with pytest.raises(ArtifactNotLoggedError):
        draft.tags = ["x"]


def test_what_exists_before_logging_can_be_read(draft):
    assert (draft.name, draft.source_name, draft.type) == ("data", "data", "dataset")
    assert (draft.description, draft.metadata, draft.state) == ("card", {"a": 1}, "PENDING")
    assert (draft.size, len(draft.manifest), draft.id) == (0, 0, None)
    assert draft.is_draft()
    assert not draft.is_link
    assert repr(draft) == "<Artifact data (dataset), PENDING>"


def test_a_finalized_artifact_cannot_be_changed(draft, home):
    (home / "a").write_text("1")
    draft.add_file(home / "a")
    draft.finalize()
    with pytest.raises(ArtifactFinalizedError, match="log a new version"):
        draft.add_file(home / "a", name="b")
    with pytest.raises(ArtifactFinalizedError):
        draft.add_dir(home)
    with pytest.raises(ArtifactFinalizedError):
        draft.new_file("c").__enter__()
    with pytest.raises(ArtifactFinalizedError):
        draft.remove("a")
    assert list(draft.manifest) == ["a"]
    draft.description = "the card stays open"


def test_the_two_errors_are_of_the_one_tree():
    for kind in (ArtifactFinalizedError, ArtifactNotLoggedError):
        assert issubclass(kind, StrongroomError)
        assert issubclass(kind, AttributeError)


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a:v1", "é!", "x" * 129, "..", "a\n", None])
def test_a_bad_name_is_refused_at_once(name):
    with pytest.raises(InvalidName):
        strongroom.Artifact(name, "dataset")


@pytest.mark.parametrize("kind", ["", "a/b", "a:b", "x" * 129])
def test_a_bad_type_is_refused_at_once(kind):
    with pytest.raises(InvalidType):
        strongroom.Artifact("data", kind)


@pytest.mark.parametrize(
    ("kind", "name"), [("job", "a"), ("wandb-x", "a"), ("run_table", "run-a"), ("code", "source-a")]
)
def test_a_reserved_type_is_refused_at_once(kind, name):
    with pytest.raises(ReservedType):
        strongroom.Artifact(name, kind)


def test_metadata_has_at_most_a_hundred_keys(draft):
    draft.metadata = {str(n): n for n in range(100)}
    with pytest.raises(InvalidMetadata, match="100"):
        draft.metadata = {str(n): n for n in range(101)}
    assert len(draft.metadata) == 100
    with pytest.raises(InvalidMetadata):
        strongroom.Artifact("data", "dataset", metadata={str(n): n for n in range(101)})


def test_metadata_is_json(draft):
    draft.metadata = {"nan": float("nan"), "pair": (1, 2)}
    assert draft.metadata == {"nan": None, "pair": [1, 2]}
    with pytest.raises(InvalidMetadata):
        draft.metadata = {"inf": float("inf")}


def test_ttl_takes_a_duration_never_and_inherit(draft):
    draft.ttl = dt.timedelta(days=30)
    assert draft.ttl == dt.timedelta(days=30)
    assert draft._ttl_for_server() == 30 * 86400
    draft.ttl = dt.timedelta(milliseconds=1500)
    assert draft.ttl == dt.timedelta(seconds=2)
    draft.ttl = None
    assert draft.ttl is None
    assert draft._ttl_for_server() == "never"
    draft.ttl = ArtifactTTL.INHERIT
    assert draft._ttl_for_server() == "inherit"
    with pytest.raises(ArtifactNotLoggedError, match="inherits"):
        _ = draft.ttl


@pytest.mark.parametrize("ttl", [dt.timedelta(0), dt.timedelta(days=-1), 30, "never", object()])
def test_another_ttl_is_refused(draft, ttl):
    with pytest.raises(InvalidTtl):
        draft.ttl = ttl


def test_a_logged_artifact_gives_everything(scripted):
    version = FakeVersion({"a": b"1", "b/c": b"22"})
    version.record_changes = {
        "aliases": ["best", "latest"], "tags": ["t"], "description": "card", "metadata": {"n": 1},
        "effective_ttl": {"seconds": 3600},
    }  # fmt: skip
    artifact = version.artifact(scripted(version))
    assert (artifact.name, artifact.version, artifact.qualified_name) == (
        "data:v0",
        "v0",
        "team/vision/data:v0",
    )
    assert (artifact.entity, artifact.project, artifact.type) == ("team", "vision", "dataset")
    assert (artifact.source_name, artifact.source_version) == ("data:v0", "v0")
    assert (artifact.source_entity, artifact.source_project) == ("team", "vision")
    assert artifact.source_qualified_name == "team/vision/data:v0"
    assert (artifact.aliases, artifact.tags) == (["best", "latest"], ["t"])
    assert (artifact.state, artifact.commit_hash, artifact.id) == ("COMMITTED", "c" * 40, "QXJ0aWZhY3Q6Nw==")
    assert (artifact.size, artifact.file_count, len(artifact.manifest)) == (3, 2, 2)
    assert artifact.created_at == artifact.updated_at == "2026-01-01T00:00:00Z"
    assert artifact.digest == version.record()["digest"] == artifact.manifest.digest()
    assert artifact.ttl == dt.timedelta(hours=1)
    assert artifact.wait() is artifact
    assert not artifact.is_draft()
    with pytest.raises(ArtifactFinalizedError):
        artifact.remove("a")


def test_a_link_has_its_own_place_and_the_facts_of_its_source(scripted):
    version = FakeVersion({"a": b"1"})
    version.record_changes = {
        "source": {"entity": "team", "project": "other", "collection": "origin", "version": "v7"},
        "collection_kind": "portfolio",
    }
    artifact = version.artifact(scripted(version))
    assert artifact.is_link
    assert (artifact.name, artifact.source_name) == ("data:v0", "origin:v7")
    assert artifact.source_qualified_name == "team/other/origin:v7"
    with pytest.raises(StrongroomError, match="source"):
        artifact.ttl = None


def test_a_source_that_is_not_for_one_to_see_is_told_by_an_error_of_its_own(scripted):
    version = FakeVersion({"a": b"1"})
    version.record_changes = {"source": None, "collection_kind": "portfolio"}
    artifact = version.artifact(scripted(version))
    assert artifact.is_link
    for name in ("source_name", "source_version", "source_artifact", "source_collection"):
        with pytest.raises(Forbidden, match="not for you to see"):
            getattr(artifact, name)
    with pytest.raises(Forbidden, match="a next draft"):
        artifact.new_draft()


def test_one_entry_is_one_request_and_the_whole_is_read_once(scripted):
    version = FakeVersion({"a": b"1", "b/c": b"22"})
    server = scripted(version)
    artifact = version.artifact(server)
    assert artifact.get_entry("b/c").size == 2
    assert "nothing" not in artifact.manifest
    with pytest.raises(KeyError, match="nothing"):
        artifact.get_entry("nothing")
    assert [request.path.rsplit("/", 1)[1] for request in server.requests] == ["entry"] * 3
    server.requests.clear()
    assert list(artifact.manifest) == ["a", "b/c"]
    assert artifact.get_entry("a").digest == version.lines[0]["digest"]
    assert [entry.path for entry in artifact.files()] == ["a", "b/c"]
    assert [entry.name for entry in artifact.files(["b/c", "nothing"])] == ["b/c"]
    assert [entry.path for entry in artifact.manifest.get_entries_in_directory("b")] == ["b/c"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("aliases", [["v3"], ["a/b"], ["a:b"], [""]])
def test_a_bad_alias_is_refused_at_once(scripted, aliases):
    version = FakeVersion({"a": b"1"})
    artifact = version.artifact(scripted(version))
    with pytest.raises(StrongroomError):
        artifact.aliases = aliases


def test_a_single_file_is_given_by_its_path(scripted, home):
    version = FakeVersion({"a/b.txt": b"1"})
    artifact = version.artifact(scripted(version))
    path = artifact.file(home / "root")
    assert path == str(home / "root" / "a" / "b.txt")
    assert (home / "root" / "a" / "b.txt").read_bytes() == b"1"


def test_file_refuses_to_choose(scripted):
    version = FakeVersion({"a": b"1", "b": b"2"})
    with pytest.raises(ValueError, match="2 files"):
        version.artifact(scripted(version)).file()


def test_a_reference_is_an_error_or_skipped_with_a_warning(scripted, home):
    version = FakeVersion({"a": b"1"})
    version.lines.append({"path": "b", "ref": "s3://bucket/key", "digest": "etag", "size": None})
    artifact = version.artifact(scripted(version))
    with pytest.raises(StrongroomError, match="allow_missing_references"):
        artifact.download(home / "root")
    with pytest.warns(UserWarning, match="s3://bucket/key"):
        artifact.download(home / "root", allow_missing_references=True)
    assert (home / "root" / "a").read_bytes() == b"1"


def test_offline_refuses_what_needs_the_server(monkeypatch, scripted, home):
    version = FakeVersion({"a": b"1"})
    artifact = version.artifact(scripted(version))
    monkeypatch.setenv("STRONGROOM_MODE", "offline")
    monkeypatch.setenv("STRONGROOM_API_KEY", "a")
    with strongroom.init(project="p") as run, pytest.raises(RuntimeError, match="STRONGROOM_MODE"):
        run.log_artifact(strongroom.Artifact("data", "dataset"))
    with pytest.raises(RuntimeError, match="STRONGROOM_MODE"):
        strongroom.Api().artifact("team/vision/data:v0")
    assert not artifact.is_draft()

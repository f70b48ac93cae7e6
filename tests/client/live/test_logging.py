"""Logging to a running installation: versions, no-ops, labels, cards, and what is refused."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from pathlib import Path

import pytest
import strongroom
from strongroom.errors import (
    Conflict,
    Forbidden,
    Gone,
    HasAliases,
    InvalidInput,
    LocalFileError,
    NotAuthenticated,
    NotFound,
    StrongroomError,
    TypeMismatch,
)

MIB = 1 << 20


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def artifact_of(name: str = "data", **files: bytes) -> strongroom.Artifact:
    artifact = strongroom.Artifact(name, "dataset")
    for path, data in files.items():
        with artifact.new_file(path, "wb") as file:
            file.write(data)
    return artifact


def test_what_was_logged_is_complete_when_it_returns(run, project, home):
    local = {"a.txt": b"1", "sub/b": os.urandom(100_000), "mid": os.urandom(2 * MIB), "empty": b""}
    local["big"] = os.urandom(9 * MIB)
    for name, data in local.items():
        write(home / "in" / name, data)
    artifact = strongroom.Artifact(
        "data", "dataset", description="# Card", metadata={"rows": 7, "deep": {"x": [1]}}
    )
    artifact.add_dir(home / "in")
    expected = artifact.digest
    assert run.log_artifact(artifact, aliases=["best"], tags=["two words"]) is artifact
    assert artifact.wait() is artifact
    assert (artifact.name, artifact.state, artifact.version) == ("data:v0", "COMMITTED", "v0")
    assert artifact.digest == expected
    assert sorted(artifact.aliases) == ["best", "latest"]
    assert artifact.tags == ["two words"]
    assert (artifact.file_count, artifact.size) == (5, sum(map(len, local.values())))
    assert artifact.qualified_name == f"alice/{project}/data:v0"
    root = Path(artifact.download(home / "out"))
    assert {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()} == local
    artifact.verify(root)


def test_another_session_finds_it_as_it_was_logged(run, project):
    logged = artifact_of(a=b"1")
    logged.description, logged.metadata = "card", {"n": 1.5}
    logged.ttl = dt.timedelta(days=3)
    run.log_artifact(logged, aliases="best")
    for name in (f"alice/{project}/data:v0", f"{project}/data:best", "data:latest", "data"):
        found = strongroom.Api().artifact(name)
        assert (found.id, found.digest, found.commit_hash) == (logged.id, logged.digest, logged.commit_hash)
        assert (found.description, found.metadata, found.ttl) == ("card", {"n": 1.5}, dt.timedelta(days=3))
        assert found.collection.name == found.source_collection.name == "data"
        assert found.created_at == logged.created_at


def test_equal_contents_make_no_new_version_but_get_their_labels(run):
    first = run.log_artifact(artifact_of(a=b"1"), aliases=["one"])
    again = run.log_artifact(artifact_of(a=b"1"), aliases=["two"], tags=["t"])
    assert (again.version, again.id) == ("v0", first.id)
    assert sorted(again.aliases) == ["latest", "one", "two"]
    assert again.tags == ["t"]
    changed = run.log_artifact(artifact_of(a=b"2"))
    assert changed.version == "v1"
    back = run.log_artifact(artifact_of(a=b"1"))
    assert back.version == "v2"
    assert back.digest == first.digest


def test_a_card_that_goes_with_no_new_version_is_not_lost_in_silence(run):
    run.log_artifact(artifact_of(a=b"1"))
    again = artifact_of(a=b"1")
    again.description, again.metadata = "new", {"n": 1}
    with pytest.warns(UserWarning, match=r"no new version was made, and its description and metadata stayed"):
        run.log_artifact(again)
    assert (again.description or "", again.metadata) == ("", {})
    again.description = "new"
    again.save()
    assert strongroom.Api().artifact("data").description == "new"


def test_what_is_logged_already_becomes_an_output_of_another_run_too(run, project):
    logged = run.log_artifact(artifact_of(a=b"1"))
    with strongroom.init() as other:
        assert other.log_artifact(logged, aliases=["more"]) is logged
    assert sorted(logged.aliases) == ["latest", "more"]
    outputs = other._session.json("GET", f"/projects/alice/{project}/runs/{other.id}/outputs")["results"]
    assert [found["name"] for found in outputs] == ["data:v0"]
    assert logged.logged_by().id == run.id
    with strongroom.init(project=f"{project}-2") as elsewhere:
        with pytest.raises(Conflict, match="use_artifact"):
            elsewhere.log_artifact(logged)
        path = f"/projects/alice/{project}-2/runs/{elsewhere.id}/outputs"
        with pytest.raises(Conflict, match="its own project"):
            elsewhere._session.json("POST", path, {"artifact": logged.qualified_name})


@pytest.mark.parametrize("more", [{"name": "other"}, {"type": "model"}])
def test_a_name_or_type_beside_an_artifact_is_not_ignored(run, more):
    draft = artifact_of(a=b"1")
    with pytest.raises(InvalidInput, match="cannot change that"):
        run.log_artifact(draft, **more)
    assert run.log_artifact(draft, name="data", type="dataset").version == "v0"


def test_aliases_are_given_to_what_is_used(run):
    run.log_artifact(artifact_of(a=b"1"))
    assert sorted(run.use_artifact("data:v0", aliases="seen").aliases) == ["latest", "seen"]


def test_a_next_draft_says_truly_which_bytes_it_lacks_elsewhere(run, project, home, alice, live_installation):
    live_installation.manage("createorg", "afar-org")
    live_installation.manage("createteam", "afar", "--org", "afar-org")
    live_installation.manage("addmember", "--org", "afar-org", "alice", "member")
    live_installation.manage("addmember", "--team", "afar", "alice", "member")
    big = strongroom.Artifact("data", "dataset")
    big.add_file(write(home / "big", os.urandom(1000)))
    run.log_artifact(big)
    with (
        strongroom.init(entity="afar") as elsewhere,
        pytest.raises(LocalFileError, match="afar does not have"),
    ):
        elsewhere.log_artifact(big.new_draft())


def test_small_files_are_logged_in_one_request(run, proxy):
    with strongroom.init() as beside:
        asked = []
        once = beside._session.once
        beside._session.once = lambda method, path, *more: asked.append(path) or once(method, path, *more)
        artifact = artifact_of(a=b"1", b=os.urandom(1000), c=b"1")
        assert beside.log_artifact(artifact).version == "v0"
        assert [path.rsplit("/", 1)[1] for path in asked] == ["versions"]
        assert artifact.get_entry("b").size == 1000


def test_a_small_file_that_changed_before_it_was_sent_is_named(run, home):
    artifact = strongroom.Artifact("data", "dataset")
    artifact.add_file(write(home / "small", b"a"), policy="immutable")
    (home / "small").write_bytes(b"b")
    with pytest.raises(LocalFileError, match="small changed while it was being logged"):
        run.log_artifact(artifact)


def test_a_file_that_changed_after_its_digest_was_asked_for_can_be_logged_the_second_time(run, home):
    path = write(home / "big", b"a" * (2 * MIB))
    artifact = strongroom.Artifact("data", "dataset")
    artifact.add_file(path, policy="immutable")
    assert artifact.digest
    path.write_bytes(b"b" * (2 * MIB))
    with pytest.raises(LocalFileError, match=r"big changed while it was being logged"):
        run.log_artifact(artifact)
    run.log_artifact(artifact)
    assert Path(artifact.file(home / "out")).read_bytes() == path.read_bytes()


def test_a_cache_that_cannot_be_used_does_not_undo_what_was_logged(run, home, monkeypatch):
    (home / "cache" / "usage").mkdir(parents=True)
    (home / "cache" / "journal").write_text("a file")
    monkeypatch.setenv("STRONGROOM_CACHE_DIR", str(home / "cache"))
    artifact = strongroom.Artifact("data", "dataset")
    artifact.add_file(write(home / "big", os.urandom(9 * MIB)))
    assert run.log_artifact(artifact).version == "v0"


def test_an_alias_that_is_named_comes_back_from_another_version(run):
    first = run.log_artifact(artifact_of(a=b"1"), aliases=["prod"])
    run.log_artifact(artifact_of(a=b"2"), aliases=["prod"])
    run.log_artifact(first, aliases=["prod"])
    assert strongroom.Api().artifact("data:prod").version == "v0"
    assert first.aliases == ["prod"]
    assert strongroom.Api().artifact("data:latest").version == "v1"


def test_names_that_only_some_systems_keep_apart_are_warned_of(run):
    with pytest.warns(UserWarning, match="differ only in case") as told:
        logged = run.log_artifact(artifact_of(**{"A/x": b"1", "a/x": b"2", "b": b"3"}))
    assert len(told) == 1
    assert logged.version == "v0"


def test_an_empty_artifact_can_be_logged(run):
    empty = run.log_artifact(strongroom.Artifact("nothing", "dataset"))
    assert (empty.file_count, empty.size, list(empty.manifest)) == (0, 0, [])


def test_a_path_can_be_logged_as_it_is(run, home):
    write(home / "model.bin", b"1")
    write(home / "folder" / "x", b"2")
    file = run.log_artifact(home / "model.bin", type="model")
    folder = run.log_artifact(str(home / "folder"), name="kept", type="model", aliases=["x"])
    assert file.name == f"run-{run.id}-model.bin:v0"
    assert (folder.name, list(folder.manifest)) == ("kept:v0", ["x"])


def test_a_bad_alias_leaves_nothing_behind(run):
    with pytest.raises(StrongroomError):
        run.log_artifact(artifact_of("fresh", a=b"1"), aliases=["v7"])
    with pytest.raises(NotFound):
        strongroom.Api().collection("fresh")


def test_another_type_is_refused_naming_the_one_there_is(run):
    run.log_artifact(artifact_of("data", a=b"1"))
    other = strongroom.Artifact("data", "model")
    with pytest.raises(TypeMismatch, match="dataset"):
        run.log_artifact(other)
    with other.new_file("still") as file:
        file.write("open, for nothing was logged")


def test_the_next_draft_keeps_what_it_does_not_change(run, home, proxy):
    logged = artifact_of(a=b"1", b=os.urandom(3 * MIB))
    logged.description = "card"
    run.log_artifact(logged)
    begun = proxy.up
    with strongroom.init() as next_run:
        draft = next_run.use_artifact("data:latest").new_draft()
        assert (draft.name, draft.description, draft.is_draft()) == ("data", "card", True)
        assert draft.digest == logged.digest
        with draft.new_file("c") as file:
            file.write("3")
        draft.remove("a")
        second = next_run.log_artifact(draft)
    assert (second.version, list(second.manifest)) == ("v1", ["b", "c"])
    assert proxy.up - begun < 100_000
    assert second.get_entry("b").digest == logged.get_entry("b").digest
    second.verify(second.download(home / "out"))


def test_saving_without_a_run_makes_one(project):
    artifact = artifact_of(a=b"1")
    artifact.save()
    assert artifact.version == "v0"
    maker = artifact.logged_by()
    assert maker is not None
    assert (maker.job_type, maker.state) == ("auto", "finished")


def test_saving_within_a_run_is_logging_by_it(run):
    artifact = artifact_of(a=b"1")
    artifact.save()
    assert artifact.logged_by().id == run.id


def test_a_logged_artifact_can_be_edited_and_read_back(run, project):
    artifact = run.log_artifact(artifact_of(a=b"1"), aliases=["old"])
    artifact.description = "new card"
    artifact.metadata["score"] = 0.5
    artifact.aliases.remove("old")
    artifact.aliases.append("new")
    artifact.tags = ["t1", "t2"]
    artifact.ttl = None
    artifact.save()
    found = strongroom.Api().artifact("data")
    assert (found.description, found.metadata, found.ttl) == ("new card", {"score": 0.5}, None)
    assert (sorted(found.aliases), sorted(found.tags)) == (["latest", "new"], ["t1", "t2"])
    found.ttl = strongroom.ArtifactTTL.INHERIT
    found.save()
    assert strongroom.Api().artifact("data").ttl is None
    with pytest.raises(NotFound):
        strongroom.Api().artifact("data:old")


def test_deleting_needs_a_word_about_aliases(run):
    artifact = run.log_artifact(artifact_of(a=b"1"), aliases=["best"])
    with pytest.raises(HasAliases, match="best"):
        artifact.delete()
    artifact.delete(delete_aliases=True)
    assert artifact.state == "DELETED"
    with pytest.raises(Gone):
        strongroom.Api().artifact("data:v0")
    assert not strongroom.Api().artifact_exists("data:v0")
    with pytest.raises(Gone):
        artifact.delete()
    assert run.log_artifact(artifact_of(a=b"1")).version == "v1"


def test_a_stranger_neither_sees_nor_logs(run, project, charlie, monkeypatch):
    run.log_artifact(artifact_of(a=b"1"))
    monkeypatch.setenv("STRONGROOM_API_KEY", charlie.key)
    with pytest.raises(NotFound):
        strongroom.Api().artifact(f"alice/{project}/data:v0")
    with pytest.raises((NotFound, Forbidden)):
        strongroom.init(entity="alice", project=project)


def test_a_wrong_key_is_told_how_to_sign_in(project, monkeypatch):
    monkeypatch.setenv("STRONGROOM_API_KEY", "sr-wrong")
    with pytest.raises(NotAuthenticated):
        strongroom.init()


def test_what_is_not_there_is_not_found(run):
    with pytest.raises(NotFound):
        run.use_artifact("nothing:latest")
    with pytest.raises(NotFound):
        strongroom.Api().artifact("nobody/nothing/nowhere:v0")
    assert not strongroom.Api().artifact_exists("nothing")


def test_a_wrong_type_is_refused_when_it_is_used(run):
    run.log_artifact(artifact_of(a=b"1"))
    with pytest.raises(TypeMismatch, match="dataset"):
        run.use_artifact("data:latest", type="model")
    assert run.use_artifact("data:latest", type="dataset").version == "v0"


def _log_one(number: int, same: bool) -> str:
    with strongroom.init() as run:
        artifact = artifact_of("raced", a=b"same" if same else b"%d" % number)
        return run.log_artifact(artifact).version


@pytest.mark.parametrize("same", [False, True], ids=["different", "same"])
def test_processes_that_log_at_once_share_the_numbers(project, same):
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        versions = pool.starmap(_log_one, [(n, same) for n in range(12)])
    expected = ["v0"] * 12 if same else [f"v{n}" for n in range(12)]
    assert sorted(versions, key=lambda version: int(version[1:])) == expected


def test_lineage_is_known_from_both_sides(project):
    with strongroom.init(name="maker", config={"lr": 0.1}, job_type="train") as maker:
        data = maker.log_artifact(artifact_of(a=b"1"))
        maker.summary["accuracy"] = 0.9
    with strongroom.init() as user:
        user.use_artifact("data:latest", use_as="input")
        user.use_artifact(data)
    found = strongroom.Api().artifact("data")
    by = found.logged_by()
    assert (by.id, by.name, by.state, by.job_type) == (maker.id, "maker", "finished", "train")
    assert (by.config, by.summary) == ({"lr": 0.1}, {"accuracy": 0.9})
    assert [used.id for used in found.used_by()] == [user.id]


def test_listings_give_everything_there_is(run, project):
    for number in range(3):
        run.log_artifact(artifact_of(a=b"%d" % number))
    model = strongroom.Artifact("net", "model")
    run.log_artifact(model)
    api = strongroom.Api()
    assert [found.version for found in api.artifacts("data")] == ["v2", "v1", "v0"]
    assert sorted(found.name for found in api.collections()) == ["data", "net"]
    assert [found.name for found in api.collections(f"alice/{project}", type="model")] == ["net"]
    assert sorted(api.types(project)) == ["dataset", "model"]
    assert project in [found.name for found in api.projects()]
    assert run.id in [found.id for found in api.runs(project)]
    assert api.artifact_by_id(model.id).name == "net:v0"
    collection = api.collection("data")
    assert (len(collection), collection.aliases) == (3, ["latest"])
    collection.description, collection.tags = "about", ["x"]
    collection.save()
    assert api.collection("data").description == "about"
    collection.name = "renamed"
    collection.save()
    assert api.collection("renamed").tags == ["x"]
    assert len(list(collection.artifacts())) == 3
    collection.delete(delete_aliases=True)
    assert [found.name for found in api.collections()] == ["net"]
